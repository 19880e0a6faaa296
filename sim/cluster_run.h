#pragma once

#include <memory>

#include "sim/core/observer.h"
#include "sim/scenario/scenario.h"
#include "sim/scheduling/scheduler.h"

namespace cleave {

/// A run of a cluster, in this process or in another. Throws what ends it; then, and once it has
/// ended, it can be looked at but not gone on with.
class ClusterRun {
 public:
  virtual ~ClusterRun() = default;
  /// Up to and including `time_s`; false once nothing is left to happen.
  virtual bool run_until(double time_s) = 0;
  /// To the end.
  virtual RunTotals run() = 0;
  /// Time of the last event.
  virtual double now() const = 0;
  virtual const ClusterView& cluster() const = 0;
};

/// A run that stands at its beginning, in this process where SimGrid has not run in it yet, else in
/// one that was forked before. `alone`: this process will have no other one.
std::unique_ptr<ClusterRun> start_run(const Scenario& scenario, Observer& observer, bool alone);

}  // namespace cleave
