#pragma once

#include "sim/metrics/observer.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// Totals that must balance: arrived = completed + rejected + unfinished.
struct RunTotals {
  std::uint64_t arrived = 0;
  std::uint64_t completed = 0;
  std::uint64_t rejected = 0;
  std::uint64_t unfinished = 0;
  std::uint64_t restarts = 0;
  std::uint64_t stranded = 0;  ///< of the unfinished: no machine was up to take them
  double end_s = 0;  ///< time of the last event
};

/// Runs `scenario` to its end and tells `observer` what happens. Once per process: the network
/// engine's clock cannot be set back.
RunTotals run_cluster(const Scenario& scenario, Observer& observer);

}  // namespace cleave
