#pragma once

#include <string>

#include "sim/base/json_reader.h"

namespace cleave {

/// The points of a results database, in order, for showing:
///     {"point": 0, "parameters": {"pools[0].count": 25}, "metrics": {"ttft_p99": 0.7, ...},
///      "slo": the summary's, "error": null}
/// `metrics` and `slo` are null for a point that failed. Throws InputError for any other file.
Json sweep_points(const std::string& file);

}  // namespace cleave
