#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cleave {

/// A CSV file with a line of names, plain or compressed with gzip, in memory.
class CsvTable {
 public:
  /// Throws InputError naming the file, and the line that has other than as many cells as names.
  explicit CsvTable(const std::string& file);

  const std::string& file() const { return file_; }
  std::size_t rows() const { return names_.empty() ? 0 : cells_.size() / names_.size(); }
  bool has(std::string_view column) const { return columns_.contains(column); }
  /// "" for a column that is not there.
  const std::string& text(std::size_t row, std::string_view column) const;
  /// Throws InputError naming line and column where it is no number.
  double number(std::size_t row, std::string_view column) const;
  /// The same; `otherwise` where column or cell are missing.
  double number(std::size_t row, std::string_view column, double otherwise) const;

 private:
  std::string file_;
  std::vector<std::string> names_;
  std::map<std::string, std::size_t, std::less<>> columns_;
  std::vector<std::string> cells_;
};

}  // namespace cleave
