#pragma once

#include <memory>
#include <string>

#include "models/latency.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// The latency of the instances of pool number `pool`, by the scenario's latency policy. Throws
/// InputError naming the pool where the policy knows nothing of it.
std::unique_ptr<LatencyModel> pool_latency(const Scenario& scenario, std::size_t pool);

}  // namespace cleave
