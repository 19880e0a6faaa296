#include "sim/explore/results_query.h"

#include <algorithm>
#include <cmath>

#include "sim/explore/results_store.h"
#include "sim/explore/where_clause.h"

namespace cleave {

namespace {

std::vector<std::string> all_columns(Database& database) {
  check_is_results(database);
  const Statement none(database, "SELECT * FROM points LIMIT 0");
  std::vector<std::string> columns;
  columns.reserve(static_cast<std::size_t>(none.columns()));
  for (int i = 0; i < none.columns(); ++i) columns.push_back(none.name(i));
  return columns;
}

Json cell(const Statement& rows, int column) {
  if (rows.is_null(column)) return nullptr;
  if (rows.is_text(column)) return rows.text(column);
  const double number = rows.number(column);
  constexpr double kExact = 9007199254740992;  // 2^53: up to here whole numbers are exact
  if (std::floor(number) == number && std::abs(number) < kExact) {
    return static_cast<std::int64_t>(number);
  }
  return number;
}

/// What SQL itself has against a condition.
void check_condition(Database& database, const std::string& where,
                     const std::vector<std::string>& all) {
  const std::string clause = where_clause(where, all);
  try {
    const Statement unused(database, "SELECT 1 FROM points WHERE " + clause);
  } catch (const InputError& error) {
    throw InputError("--where \"" + where + "\": " + error.what());
  }
}

std::string select_text(const ResultsQuery& query, const std::vector<std::string>& columns,
                        const std::vector<std::string>& all) {
  std::string sql = "SELECT ";
  for (const std::string& column : columns) {
    sql += (&column == &columns.front() ? "" : ", ") + quoted_name(column);
  }
  sql += " FROM points";
  for (const std::string& where : query.where) {
    sql += (&where == &query.where.front() ? " WHERE " : " AND ") + where_clause(where, all);
  }
  sql += " ORDER BY ";
  const std::string direction = query.descending ? " DESC" : "";
  if (!query.sort.empty()) {
    const std::string by = quoted_name(known_column(all, "--sort", query.sort));
    sql += by + " IS NULL, " + by + direction + ", point";
  } else {
    sql += "point" + direction;
  }
  if (query.limit) sql += " LIMIT " + std::to_string(*query.limit);
  return sql;
}

}  // namespace

void read_results(const std::string& file, const ResultsQuery& query,
                  const std::function<void(const std::vector<std::string>&)>& header,
                  const std::function<void(const std::vector<Json>&)>& row) {
  Database database(file, Database::Mode::kRead);
  const std::vector<std::string> all = all_columns(database);
  std::vector<std::string> columns;
  for (const std::string& column : query.columns) {
    columns.push_back(known_column(all, "--columns", column));
  }
  if (columns.empty()) {
    std::copy_if(all.begin(), all.end(), std::back_inserter(columns),
                 [](const std::string& name) { return name != "scenario" && name != "summary"; });
  }
  for (const std::string& where : query.where) check_condition(database, where, all);
  Statement rows(database, select_text(query, columns, all));
  header(columns);
  std::vector<Json> cells(columns.size());
  while (rows.step()) {
    for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = cell(rows, static_cast<int>(i));
    row(cells);
  }
}

std::vector<std::string> main_columns(const std::string& file) {
  Database database(file, Database::Mode::kRead);
  check_is_results(database);
  std::vector<std::string> columns{"point", "status"};
  for (const std::string& path : varied_paths(database)) columns.push_back(path);
  for (const char* figure : {"ttft_p50", "ttft_p99", "tpot_p50", "tpot_p99", "e2e_p50", "e2e_p99",
                             "slo_holds", "cost_per_hour", "provisioned_w"}) {
    columns.emplace_back(figure);
  }
  columns.emplace_back("error");
  return columns;
}

}  // namespace cleave
