#include "sim/explore/named_points.h"

#include <algorithm>
#include <fstream>

#include "sim/base/error.h"
#include "sim/explore/database.h"
#include "sim/explore/results_store.h"

namespace cleave {

namespace {

bool is_database(const std::string& file) {
  static const std::string magic = "SQLite format 3";
  std::string begin(magic.size(), '\0');
  std::ifstream in(file, std::ios::binary);
  return in.read(begin.data(), static_cast<std::streamsize>(begin.size())) && begin == magic;
}

[[noreturn]] void throw_no_such_point(Database& database, const PointsName& points) {
  const std::string place = points.file + ":" + points.name;
  Statement rows(database, "SELECT DISTINCT name FROM points WHERE name IS NOT NULL ORDER BY name");
  std::vector<std::string> names;
  while (rows.step()) names.push_back(rows.text(0));
  throw_unknown_name(place, "point", points.name, names);
}

std::string select_points(Database& database, const PointsName& points) {
  const std::string select = "SELECT point, status, error, scenario, summary FROM points ";
  if (points.name.empty()) return select + "ORDER BY point";
  const std::vector<std::string> paths = varied_paths(database);
  if (std::find(paths.begin(), paths.end(), "name") == paths.end()) {
    throw InputError(points.file + ":" + points.name + ": " + points.file +
                     " has no names; expected a sweep whose points have a \"name\"");
  }
  return select + "WHERE name = ? ORDER BY point";
}

}  // namespace

std::optional<PointsName> points_name(const std::string& text) {
  if (is_database(text)) return PointsName{text, ""};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size()) return {};
  PointsName points{text.substr(0, colon), text.substr(colon + 1)};
  if (!is_database(points.file)) return {};
  return points;
}

std::vector<NamedPoint> read_named_points(const PointsName& points) {
  Database database(points.file, Database::Mode::kRead);
  check_is_results(database);
  Statement rows(database, select_points(database, points));
  if (!points.name.empty()) rows.bind(points.name);
  std::vector<NamedPoint> found;
  while (rows.step()) {
    const std::string place = points.file + ": point " + std::to_string(rows.integer(0));
    if (rows.text(1) != "done") {
      throw InputError(place + " has " + rows.text(1) + ": " + rows.text(2));
    }
    found.push_back({parse_json(rows.text(3), place + ": scenario"),
                     parse_json(rows.text(4), place + ": summary")});
  }
  if (found.empty() && points.name.empty()) {
    throw InputError(points.file + ": has no points yet; expected a sweep that is done");
  }
  if (found.empty()) throw_no_such_point(database, points);
  return found;
}

}  // namespace cleave
