#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace cleave {

/// A table of text for a terminal: the first columns to the left, the others to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> header, std::size_t left_columns = 1)
      : rows_{std::move(header)}, left_columns_(left_columns) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// Each line indented by two spaces; widths counted in characters of UTF-8.
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::size_t left_columns_;
};

/// `text`, whose lines end with "\n", with longer lines broken at spaces; what goes on is indented
/// by `hang` spaces more than its line began.
std::string wrapped(const std::string& text, std::size_t width = 80, std::size_t hang = 2);

/// `value` with about three significant digits: "0.0123", "1.25", "12.5", "1,250", "-".
std::string figure(double value);
/// 0.1234 as "12.3 %".
std::string percent(double fraction);
/// A whole number with commas: "19,366".
std::string grouped(double value);

}  // namespace cleave
