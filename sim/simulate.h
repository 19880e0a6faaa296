#pragma once

#include "sim/core/observer.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// Runs `scenario` to its end and tells `observer` what happens. Once per process: the network
/// engine's clock cannot be set back.
RunTotals run_cluster(const Scenario& scenario, Observer& observer);

}  // namespace cleave
