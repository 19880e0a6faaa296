#pragma once

#include <cstdint>
#include <optional>

#include "sim/base/random.h"
#include "sim/base/registry.h"
#include "traces/distribution.h"
#include "traces/rate_curve.h"
#include "traces/transform.h"

namespace cleave {

/// What an arrival process is made from.
struct ArrivalSettings {
  double rate_rps = 0;  ///< mean rate; 0: the trace's own
  RateCurve rate;       ///< over time, of a process that has no times of its own
  double cv = 1;        ///< coefficient of variation of the gaps
  std::uint64_t seed = 0;
  const Distribution* distribution = nullptr;  ///< rates over time; null if there are none
  OpenSource trace;                            ///< a trace file's requests; empty if there is none
};

/// When generated requests arrive. Scenario: `workload.arrivals`. An implementation must draw
/// from its seed and from nothing else, so that a scenario has one series of arrivals, and must
/// draw gaps in units of the mean gap and scale them, so that a seed gives the same pattern at
/// every rate. It knows nothing of lengths.
class ArrivalProcess {
 public:
  virtual ~ArrivalProcess() = default;
  /// The next arrival in seconds, never before the last; false if the process ends.
  virtual bool next(double& arrival_s) = 0;
};
using ArrivalProcesses = Registry<ArrivalProcess, const ArrivalSettings&>;

}  // namespace cleave
