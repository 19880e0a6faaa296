#include "tests/fuzz/results.h"

#include <filesystem>

#include "sim/base/error.h"
#include "sim/explore/database.h"
#include "sim/explore/results_store.h"
#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

void bind(Statement& statement, const Json& value) {
  if (value.is_number_integer()) {
    statement.bind(value.get<std::int64_t>());
  } else if (value.is_number()) {
    statement.bind(value.get<double>());
  } else if (value.is_string()) {
    statement.bind(value.get<std::string>());
  } else if (value.is_null()) {
    statement.bind_null();
  } else {
    statement.bind(value.dump());
  }
}

void change_fact(Database& database, const std::string& key, const Json& value) {
  Statement change(database, "INSERT OR REPLACE INTO sweep VALUES (?, ?)");
  change.bind(key);
  bind(change, value);
  change.step();
}

void add_point(Database& database, const Json& point) {
  if (!point.is_object()) throw InputError("points: expected objects");
  std::string columns;
  std::string places;
  for (const auto& [column, unused] : point.items()) {
    columns += (columns.empty() ? "" : ", ") + quoted_name(column);
    places += places.empty() ? "?" : ", ?";
  }
  Statement insert(database, "INSERT INTO points (" + columns + ") VALUES (" + places + ")");
  for (const auto& [unused, value] : point.items()) bind(insert, value);
  insert.step();
}

}  // namespace

const SweepSpec& small_sweep() {
  static const SweepSpec spec(
      parse_json(
          R"({"vary": {"workload.rate_rps": [10, 20], "llm": ["llama2-70b", "bloom-176b"]}})",
          "sweep"),
      "sweep.json");
  return spec;
}

std::string make_results(const std::string& name, const Json& content) {
  const std::string file = no_file(name);
  { const ResultsStore made(file, small_sweep()); }
  Database database(file, Database::Mode::kWrite);
  database.run("BEGIN");
  for (const auto& [key, value] : content.items()) {
    if (key != "points") change_fact(database, key, value);
  }
  for (const Json& point : content.value("points", Json())) add_point(database, point);
  database.run("COMMIT");
  return file;
}

void read_all_of(const std::string& database) {
  const auto attempt = [](const auto& read) {
    try {
      read();
      return true;
    } catch (const InputError&) {
      return false;
    }
  };
  bool good = false;
  for (const char* as : {"--json", "--csv", "--descending"}) {
    good |= attempt([&] { run_cleave({"results", database, as}); });
  }
  good |= attempt([&] { run_cleave({"report", database, "-o", no_file("sweep.html")}); });
  for (const std::string name : {"", ":one"}) {
    good |= attempt([&] { run_cleave({"compare", database + name, database + name}); });
  }
  good |= attempt([&] { run_cleave({"results", "merge", no_file("merged.db"), database}); });
  good |= attempt([&] { ResultsStore(database, small_sweep()).forget_failures(); });
  if (!good) throw InputError(database + ": is no results database");
}

}  // namespace cleave::fuzz
