#include "sim/explore/sweep_points.h"

#include <cstdint>
#include <map>
#include <set>

#include "sim/explore/database.h"
#include "sim/explore/results_query.h"
#include "sim/explore/results_store.h"

namespace cleave {

namespace {

std::set<std::string> varied_paths(const std::string& file) {
  Database database(file, Database::Mode::kRead);
  check_is_results(database);
  const Json paths = Json::parse(sweep_fact(database, "paths"));
  return {paths.begin(), paths.end()};
}

/// Puts the cells of a row where they belong.
Json point_of(const std::vector<std::string>& columns, const std::vector<Json>& cells,
              const std::set<std::string>& paths) {
  Json point{{"point", nullptr},
             {"parameters", Json::object()},
             {"metrics", Json::object()},
             {"slo", nullptr},
             {"error", nullptr}};
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string& column = columns[i];
    if (column == "point" || column == "error") {
      point[column] = cells[i];
    } else if (paths.contains(column)) {
      point["parameters"][column] = cells[i];
    } else if (column != "scenario_hash" && column != "status") {
      point["metrics"][column] = cells[i];
    }
  }
  if (!point["error"].is_null()) point["metrics"] = nullptr;
  return point;
}

}  // namespace

Json sweep_points(const std::string& file) {
  const std::set<std::string> paths = varied_paths(file);
  Json points = Json::array();
  std::vector<std::string> columns;
  read_results(
      file, {}, [&](const std::vector<std::string>& names) { columns = names; },
      [&](const std::vector<Json>& cells) { points.push_back(point_of(columns, cells, paths)); });
  // By number: a sweep that runs may have added points since.
  std::map<std::int64_t, Json*> by_number;
  for (Json& point : points) by_number[point["point"].get<std::int64_t>()] = &point;
  ResultsQuery summaries;
  summaries.columns = {"point", "summary"};
  read_results(
      file, summaries, [](const std::vector<std::string>&) {},
      [&](const std::vector<Json>& cells) {
        const auto found = by_number.find(cells[0].get<std::int64_t>());
        if (found == by_number.end() || !cells[1].is_string()) return;
        (*found->second)["slo"] = Json::parse(cells[1].get<std::string>()).value("slo", Json());
      });
  return points;
}

}  // namespace cleave
