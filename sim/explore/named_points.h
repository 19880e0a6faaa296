#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/base/json_reader.h"

namespace cleave {

/// Points of a results database: all of them, or those whose column `name` says so.
struct PointsName {
  std::string file;
  std::string name;  ///< "" for all
};

/// What "results.db" or "results.db:NAME" stands for; nothing where no such database is there.
std::optional<PointsName> points_name(const std::string& text);

struct NamedPoint {
  Json scenario;
  Json summary;
};

/// In the order of their numbers, at least one. Throws InputError where there is none, and for one
/// that failed.
std::vector<NamedPoint> read_named_points(const PointsName& points);

}  // namespace cleave
