#pragma once

#include <string>
#include <vector>

#include "sim/report/run_result.h"

namespace cleave {

/// A whole HTML page, with everything it needs in it, of one run, or of several side by side.
std::string runs_page(const std::vector<RunResult>& runs);

/// The same of a sweep. `points` is an array of
///     {"point": 0, "parameters": {"pools[0].count": 25}, "metrics": {...}, "error": null}
/// where the metrics are numbers, booleans or text by name, null for a point that failed.
/// Metric names: "cost_per_hour", "provisioned_w", "served_rps", "slo_holds", "slo_goodput_rps",
/// "ttft_p99", ...; "slo_broken" is text, as broken_limit() gives it.
std::string sweep_page(const std::string& name, const Json& points);

/// The same of a plan, as find_plan() gives it.
std::string plan_page(const std::string& name, Json plan);

/// The same of several plans side by side, each by its name.
std::string plans_page(const std::vector<std::string>& names, std::vector<Json> plans);

/// The same of measured runs beside their simulations, as validation_json() gives them.
std::string validation_page(const std::string& name, Json validation);

/// The limit that the "slo" of a summary misses by most: "tpot p99"; "" if it holds.
std::string broken_limit(const Json& slo);

}  // namespace cleave
