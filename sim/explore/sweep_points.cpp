#include "sim/explore/sweep_points.h"

#include <cstdint>
#include <map>
#include <set>

#include "sim/base/error.h"
#include "sim/explore/database.h"
#include "sim/explore/results_query.h"
#include "sim/explore/results_store.h"

namespace cleave {

namespace {

std::set<std::string> paths_of(const std::string& file) {
  Database database(file, Database::Mode::kRead);
  check_is_results(database);
  const std::vector<std::string> paths = varied_paths(database);
  return {paths.begin(), paths.end()};
}

/// The part "slo" of a stored summary, of which the page shows every limit.
Json read_slo(const std::string& summary, const std::string& place) {
  const Json document = parse_json(summary, place);
  JsonReader reader(document, place);
  if (!reader.has("slo")) return nullptr;
  JsonReader slo = reader.object("slo");
  slo.boolean("holds");
  for (JsonReader& limit : slo.objects("limits")) {
    limit.text("metric");
    limit.text("percentile");
    if (limit.has("value")) limit.number("value");
    limit.number("limit", kPositive);
    limit.boolean("holds");
  }
  return reader.value("slo");
}

/// Puts the cells of a row where they belong.
Json point_of(const std::vector<std::string>& columns, const std::vector<Json>& cells,
              const std::set<std::string>& paths, const std::string& place) {
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
  if (!point["point"].is_number_integer()) {
    throw InputError(place +
                     ": points: has a row without its number; expected what cleave sweep has "
                     "written");
  }
  if (!point["error"].is_null()) point["metrics"] = nullptr;
  return point;
}

}  // namespace

Json sweep_points(const std::string& file) {
  const std::set<std::string> paths = paths_of(file);
  Json points = Json::array();
  std::vector<std::string> columns;
  read_results(
      file, {}, [&](const std::vector<std::string>& names) { columns = names; },
      [&](const std::vector<Json>& cells) {
        points.push_back(point_of(columns, cells, paths, file));
      });
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
        (*found->second)["slo"] =
            read_slo(cells[1].get<std::string>(),
                     file + ": point " + std::to_string(found->first) + ": summary");
      });
  return points;
}

}  // namespace cleave
