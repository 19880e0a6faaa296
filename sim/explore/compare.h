#pragma once

#include "sim/explore/compare_policy.h"
#include "sim/explore/compared_runs.h"

namespace cleave {

/// Which verdicts fail a comparison.
enum class FailOn : std::uint8_t { kChange, kWorse, kNever };

struct CompareOptions {
  bool same_scenario = false;  ///< comparable only where the whole scenario is the same
  FailOn fail_on = FailOn::kChange;
  /// How sure it is to be, where there are several seeds, that no metric of the comparison is
  /// called changed by chance.
  double confidence = 0.95;
};

/// Compares metric by metric:
///   {"base", "new": their names and hashes, "outcome": "same" | "changed" | "not_comparable",
///    "reason": why not comparable, "seeds": how many runs each has, "confidence": of all intervals
///    together, null for one seed, "better", "worse", "changed": how many beyond their tolerance,
///    "failures": how many fail the comparison,
///    "metrics": [{"metric", "direction", "tolerance", "base", "new", "change", "relative",
///                 "interval": [low, high], "fails": true | false,
///                 "verdict": "same" | "noise" | "better" | "worse" | "changed"}]}
/// With several seeds, base and new are means, the change is that of runs with the same seed, and
/// the interval is where its mean lies; a change that may be none is "noise". The intervals share
/// the chance of a mistake evenly (Bonferroni).
///
/// Runs are comparable when their summaries have the same schema and they served the same workload,
/// seed included; with `same_scenario`, only when the whole scenario is the same. A metric that
/// neither has because its part of the summary is null is left out; one that only the base has is
/// worse, if it has a direction; one that a summary cannot have is an InputError.
Json compare_runs(const ComparedRuns& base, const ComparedRuns& changed,
                  const ComparePolicy& policy, const CompareOptions& options);

}  // namespace cleave
