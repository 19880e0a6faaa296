#include "sim/explore/run_database.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <vector>

#include "sim/base/error.h"
#include "sim/base/json_reader.h"
#include "sim/explore/database.h"

namespace cleave {

namespace {

namespace fs = std::filesystem;

/// The CSV files that a run writes have no quotes: their texts are names of machines and links.
std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (std::size_t at = 0; at <= line.size();) {
    const std::size_t end = std::min(line.find(',', at), line.size());
    cells.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return cells;
}

template <class Number>
bool is(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

/// As what it reads as; nothing for nothing.
void bind(Statement& statement, std::string_view cell) {
  std::int64_t whole = 0;
  double number = 0;
  if (cell.empty()) {
    statement.bind_null();
  } else if (is(cell, whole)) {
    statement.bind(whole);
  } else if (is(cell, number)) {
    statement.bind(number);
  } else {
    statement.bind(cell);
  }
}

void add_table(Database& database, const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string line;
  if (!std::getline(in, line)) throw InputError(file.string() + ": cannot be read");
  std::string columns;
  std::string places;
  const std::size_t names = cells_of(line).size();
  for (const std::string_view name : cells_of(line)) {
    columns += (columns.empty() ? "" : ", ") + quoted_name(std::string(name));
    places += places.empty() ? "?" : ", ?";
  }
  const std::string table = quoted_name(file.stem().string());
  database.run("CREATE TABLE " + table + " (" + columns + ")");
  Statement insert(database, "INSERT INTO " + table + " VALUES (" + places + ")");
  for (std::size_t number = 2; std::getline(in, line); ++number) {
    const auto cells = cells_of(line);
    if (cells.size() != names) {
      throw InputError(file.string() + ":" + std::to_string(number) + ": expected " +
                       std::to_string(names) + " cells, but there are " +
                       std::to_string(cells.size()));
    }
    for (const std::string_view cell : cells) bind(insert, cell);
    insert.step();
  }
}

void add_figures(Statement& insert, const Json& at, const std::string& path) {
  if (at.is_object()) {
    for (const auto& [key, value] : at.items()) {
      add_figures(insert, value, path.empty() ? key : path + "." + key);
    }
  } else if (at.is_array()) {
    for (std::size_t i = 0; i < at.size(); ++i) {
      if (at[i].is_object()) add_figures(insert, at[i], path + "[" + std::to_string(i) + "]");
    }
  } else {
    insert.bind(path);
    if (at.is_boolean()) {
      insert.bind(std::int64_t{at.get<bool>() ? 1 : 0});
    } else if (at.is_number_integer()) {
      insert.bind(at.get<std::int64_t>());
    } else if (at.is_number()) {
      insert.bind(at.get<double>());
    } else if (at.is_string()) {
      insert.bind(at.get_ref<const std::string&>());
    } else {
      insert.bind_null();
    }
    insert.step();
  }
}

void add_documents(Database& database, const fs::path& folder) {
  database.run("CREATE TABLE figures (figure TEXT PRIMARY KEY, value)");
  database.run("CREATE TABLE documents (name TEXT PRIMARY KEY, json TEXT)");
  const Json summary = load_json((folder / "summary.json").string());
  Statement figures(database, "INSERT INTO figures VALUES (?, ?)");
  add_figures(figures, summary, "");
  Statement documents(database, "INSERT INTO documents VALUES (?, ?)");
  const Json scenario = load_json((folder / "scenario.json").string());
  for (const auto& [name, json] :
       {std::pair{"summary", &summary}, std::pair{"scenario", &scenario}}) {
    documents.bind(std::string_view(name)).bind(json->dump());
    documents.step();
  }
}

}  // namespace

void write_run_database(const std::string& folder, const std::string& file) {
  Database database(file, Database::Mode::kWrite);
  database.run("PRAGMA journal_mode = OFF");  // it is a new file, complete or of no use
  database.run("BEGIN");
  for (const char* name : {"requests.csv", "machines.csv", "links.csv", "series.csv"}) {
    add_table(database, fs::path(folder) / name);
  }
  add_documents(database, folder);
  database.run("COMMIT");
}

}  // namespace cleave
