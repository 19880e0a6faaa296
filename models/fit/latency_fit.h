#pragma once

#include <vector>

#include "models/fit/measurements.h"
#include "models/latency/latency_profile.h"

namespace cleave {

/// Fits the latency of each (LLM, GPU, cap, tensor-parallel degree, formats) of `rows` so that the
/// sum of the absolute relative errors is least. The points of the piecewise linear parts are the
/// sizes that were measured; slopes are never negative. Rows that do not count are left out and
/// named. Errors are measured with the split and the order drawn from `seed`. `rows` are as
/// read_measurements() gives them: enough of each.
std::vector<LatencyProfile> fit_latencies(const std::vector<Measurement>& rows,
                                          const std::string& source, const std::string& licence,
                                          std::uint64_t seed = 1);

}  // namespace cleave
