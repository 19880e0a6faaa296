#include "sim/explore/results_query.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "sim/base/error.h"
#include "sim/explore/results_store.h"

namespace cleave {

namespace {

/// One comparison, as `sql` with a place for `value`.
struct Comparison {
  std::string sql;
  Json value;
};

std::string trimmed(const std::string& text) {
  const auto space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  const auto first = std::find_if_not(text.begin(), text.end(), space);
  const auto last = std::find_if_not(text.rbegin(), text.rend(), space).base();
  return first < last ? std::string(first, last) : "";
}

/// The parts between the words "and" that stand outside quotes.
std::vector<std::string> split_and(const std::string& text) {
  std::vector<std::string> parts(1);
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    }
    std::string word = text.substr(i, 5);
    std::transform(word.begin(), word.end(), word.begin(),
                   [](unsigned char letter) { return std::tolower(letter); });
    if (quote == 0 && word == " and ") {
      parts.emplace_back();
      i += 4;
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

Json parse_operand(const std::string& text) {
  if (text.size() >= 2 && (text[0] == '"' || text[0] == '\'') && text.back() == text[0]) {
    return text.substr(1, text.size() - 2);
  }
  if (text == "true") return 1;
  if (text == "false") return 0;
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && rest == end ? Json(number) : Json(text);
}

const std::string& known_column(const std::vector<std::string>& all, const std::string& place,
                                const std::string& name) {
  const auto found = std::find(all.begin(), all.end(), name);
  if (found == all.end()) {
    const std::string near = nearest_name(name, all);
    throw InputError(place + ": unknown column \"" + name + "\"; " +
                     (near.empty() ? "--csv names them all" : "did you mean \"" + near + "\"?"));
  }
  return *found;
}

Comparison parse_comparison(const std::vector<std::string>& columns, const std::string& text) {
  const std::size_t at = text.find_first_of("<>=!");
  const std::size_t end = text.find_first_not_of("<>=!", at);
  if (at != std::string::npos && end != std::string::npos) {
    std::string comparison = text.substr(at, end - at);
    if (comparison == "==") comparison = "=";
    const std::string column = trimmed(text.substr(0, at));
    const std::string operand = trimmed(text.substr(end));
    static const std::vector<std::string> known{"<", "<=", ">", ">=", "=", "!="};
    const bool good = std::find(known.begin(), known.end(), comparison) != known.end();
    if (good && !column.empty() && !operand.empty()) {
      return {quoted_name(known_column(columns, "--where", column)) + " " + comparison + " ?",
              parse_operand(operand)};
    }
  }
  throw InputError("--where \"" + text + "\": expected a column compared with a value, as in " +
                   "ttft_p99 < 1 and status = done");
}

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

std::string select_text(const ResultsQuery& query, const std::vector<std::string>& columns,
                        const std::vector<std::string>& all,
                        const std::vector<Comparison>& comparisons) {
  std::string sql = "SELECT ";
  for (const std::string& column : columns) {
    sql += (&column == &columns.front() ? "" : ", ") + quoted_name(column);
  }
  sql += " FROM points";
  for (const Comparison& comparison : comparisons) {
    sql += (&comparison == &comparisons.front() ? " WHERE " : " AND ") + comparison.sql;
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
  std::vector<Comparison> comparisons;
  for (const std::string& where : query.where) {
    for (const std::string& part : split_and(where)) {
      comparisons.push_back(parse_comparison(all, part));
    }
  }
  Statement rows(database, select_text(query, columns, all, comparisons));
  for (const Comparison& comparison : comparisons) {
    if (comparison.value.is_string()) {
      rows.bind(comparison.value.get<std::string>());
    } else {
      rows.bind(comparison.value.get<double>());
    }
  }
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
  for (const Json& path : Json::parse(sweep_fact(database, "paths"))) {
    columns.push_back(path.get<std::string>());
  }
  for (const char* figure : {"ttft_p50", "ttft_p99", "tpot_p50", "tpot_p99", "e2e_p50", "e2e_p99",
                             "slo_holds", "cost_per_hour", "provisioned_w"}) {
    columns.emplace_back(figure);
  }
  columns.emplace_back("error");
  return columns;
}

}  // namespace cleave
