#pragma once

#include <string>

#include "sim/base/json_reader.h"

namespace cleave {

/// What a run left: its summary.json and scenario.json, and a name for people.
struct RunResult {
  std::string name;
  Json summary;
  Json scenario;
};

/// The results in a folder, as `cleave run --out` leaves them. Throws InputError where there are
/// none, or those of another version.
RunResult read_run(const std::string& folder, const std::string& name);

/// Throws InputError unless `plan`, from `file`, is the answer of a plan as pages and exports need
/// it.
void check_plan(const Json& plan, const std::string& file);

/// The last folder of a path, for people: "results/a/" is "a".
std::string result_name(const std::string& path);

}  // namespace cleave
