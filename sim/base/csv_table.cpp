#include "sim/base/csv_table.h"

#include <zlib.h>

#include <array>
#include <charconv>
#include <memory>

#include "sim/base/error.h"

namespace cleave {

namespace {

std::string whole_file(const std::string& file) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> in(gzopen(file.c_str(), "rb"), gzclose);
  if (!in) throw InputError(file + ": cannot be opened");
  constexpr std::size_t kChunk = 1 << 16;
  std::string text;
  std::array<char, kChunk> chunk;
  int n = 0;
  while ((n = gzread(in.get(), chunk.data(), kChunk)) > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(n));
  }
  if (n < 0) throw InputError(file + ": cannot be read: it is a folder, or no complete gzip file");
  return text;
}

/// The cells of a line; quotes keep commas, and two of them stand for one.
std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      cells.back() += line[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  return cells;
}

}  // namespace

CsvTable::CsvTable(const std::string& file) : file_(file) {
  const std::string text = whole_file(file);
  std::size_t line = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const auto cells = cells_of(std::string_view(text).substr(at, end - at));
    at = end + 1;
    ++line;
    if (cells.size() == 1 && cells[0].empty()) continue;
    if (names_.empty()) {
      names_ = cells;
      for (std::size_t i = 0; i < names_.size(); ++i) columns_[names_[i]] = i;
      continue;
    }
    if (cells.size() != names_.size()) {
      throw InputError(
          file + ":" + std::to_string(line) + ": expected " + std::to_string(names_.size()) +
          " cells, as the first line has names, found " + std::to_string(cells.size()));
    }
    cells_.insert(cells_.end(), cells.begin(), cells.end());
  }
  if (names_.empty()) throw InputError(file + ": is empty; expected CSV with a line of names");
}

const std::string& CsvTable::text(std::size_t row, std::string_view column) const {
  static const std::string nothing;
  const auto found = columns_.find(column);
  return found == columns_.end() ? nothing : cells_[row * names_.size() + found->second];
}

double CsvTable::number(std::size_t row, std::string_view column) const {
  const std::string& cell = text(row, column);
  double value = 0;
  const auto [rest, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || rest != cell.data() + cell.size()) {
    throw InputError(file_ + ":" + std::to_string(row + 2) + ": " + std::string(column) +
                     ": expected a number, found \"" + cell + "\"");
  }
  return value;
}

double CsvTable::number(std::size_t row, std::string_view column, double otherwise) const {
  return text(row, column).empty() ? otherwise : number(row, column);
}

}  // namespace cleave
