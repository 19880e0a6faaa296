#pragma once

#include <vector>

#include "sim/scenario/scenario.h"

namespace cleave {

/// The part "faults" of a scenario, by time: each entry as one fault for each of its machines.
std::vector<FaultSpec> read_faults(JsonReader& scenario, const std::vector<PoolSpec>& pools);

}  // namespace cleave
