#pragma once

#include <vector>

#include "sim/scenario/scenario.h"

namespace cleave {

/// The part "faults" of a scenario whose pools and scaling are read, by time: each entry as one
/// fault for each of its machines.
std::vector<FaultSpec> read_faults(JsonReader& reader, const Scenario& scenario);

}  // namespace cleave
