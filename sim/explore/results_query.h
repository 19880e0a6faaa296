#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/json_reader.h"

namespace cleave {

/// Which rows and columns of a results database to read.
struct ResultsQuery {
  std::vector<std::string> columns;  ///< none: all but the scenarios and summaries
  /// Conditions, all of which must hold, as where_clause() takes them.
  std::vector<std::string> where;
  std::string sort;  ///< a column; "": the points' numbers
  bool descending = false;
  std::optional<std::uint64_t> limit;
};

/// Reads `file` row by row: a number, a text or null for every column of `columns`. Whole numbers
/// come as integers. Throws InputError for an unknown column or a condition it cannot read.
void read_results(const std::string& file, const ResultsQuery& query,
                  const std::function<void(const std::vector<std::string>& columns)>& header,
                  const std::function<void(const std::vector<Json>& row)>& row);

/// What a person wants to see first: the point, what varies, and the main figures.
std::vector<std::string> main_columns(const std::string& file);

}  // namespace cleave
