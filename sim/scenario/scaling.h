#pragma once

#include "sim/scenario/scenario.h"

namespace cleave {

/// The part "scaling" of a scenario; before its pools are read.
ScalingSpec read_scaling(JsonReader& scenario);

/// Throws InputError where the pools cannot be scaled so; once they are read.
void check_scaling(const Scenario& scenario);

/// Bytes a second at which an instance of a pool gets its weights from its machine's disk while all
/// of the machine do; 0 where they come over the network.
double weights_disk_bytes_per_s(const Scenario& scenario, std::size_t pool);

}  // namespace cleave
