#include "sim/report/table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <sstream>

namespace cleave {

namespace {

std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string print(const char* format, double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string wrapped_line(const std::string& line, std::size_t width, std::size_t hang) {
  if (width_of(line) <= width) return line;
  const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
  std::istringstream words(line);
  std::string out;
  std::string current(indent, ' ');
  std::string space;
  for (std::string word; words >> word; space = " ") {
    if (!space.empty() && width_of(current) + 1 + width_of(word) > width) {
      out += current + '\n';
      current = std::string(indent + hang, ' ') + word;
    } else {
      current += space + word;
    }
  }
  return out + current;
}

}  // namespace

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    text += "  ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width_of(row[i]), ' ');
      if (i > 0) text += "  ";
      text += i < left_columns_ ? row[i] + padding : padding + row[i];
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  return text;
}

std::string wrapped(const std::string& text, std::size_t width, std::size_t hang) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    out += wrapped_line(text.substr(at, end - at), width, hang);
    if (end == std::string::npos) break;
    out += '\n';
    at = end + 1;
  }
  return out;
}

std::string grouped(double value) {
  std::string digits = print("%.0f", std::abs(value));
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return value < 0 ? "-" + digits : digits;
}

std::string figure(double value) {
  if (!std::isfinite(value)) return "-";
  const double size = std::abs(value);
  if (size == 0) return "0";
  if (size >= 999.5) return grouped(value);
  if (size >= 99.95) return print("%.0f", value);
  if (size >= 9.995) return print("%.1f", value);
  if (size >= 0.9995) return print("%.2f", value);
  return print("%#.3g", value);
}

std::string percent(double fraction) { return print("%.1f %%", fraction * 100); }

}  // namespace cleave
