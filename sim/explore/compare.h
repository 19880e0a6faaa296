#pragma once

#include <string>
#include <vector>

#include "sim/metrics/figure.h"

namespace cleave {

/// How much a metric may change: a share of its old value ("1%"), or an amount in its unit (0.05).
struct Tolerance {
  double amount = 0;
  bool relative = false;
};

struct MetricRule {
  std::string metric;  ///< path in the summary: "ttft.p99", "pools[0].utilization"
  Better::Way better = Better::kNeither;
  Tolerance tolerance;
  std::string place;  ///< where the rule comes from, for messages
};
using ComparePolicy = std::vector<MetricRule>;

/// The rules of a policy by name (profiles/compare) or file: {"metrics": {"ttft.p99":
/// {"direction": "lower" | "higher" | "either", "tolerance": "1%" | 0.05}}}. Throws InputError.
ComparePolicy read_compare_policy(const std::string& name);

/// Applies "METRIC=1%": another tolerance for a rule, or a rule for one more metric, whose
/// direction is the one of the built-in policy, or either.
void set_tolerance(ComparePolicy& policy, const std::string& setting);

/// The summary of a run and what the user called it.
struct ComparedRun {
  std::string name;
  Json summary;
};

/// The runs that `base` and `changed` name: results folders, summaries, or scenarios, which are
/// simulated in child processes, both at once. Throws InputError.
std::vector<ComparedRun> load_compared(const std::string& base, const std::string& changed);

/// Compares metric by metric:
///   {"base", "new": their names and hashes, "outcome": "same" | "changed" | "not_comparable",
///    "reason": why not comparable, "better", "worse", "changed": how many beyond their tolerance,
///    "metrics": [{"metric", "direction", "tolerance", "base", "new", "change", "relative",
///                 "verdict": "same" | "better" | "worse" | "changed"}]}
/// Runs are comparable when their summaries have the same schema and they served the same workload,
/// seed included; with `same_scenario`, only when the whole scenario is the same. A metric that
/// neither run has because its part of the summary is null is left out; one that a summary cannot
/// have is an InputError.
Json compare_runs(const ComparedRun& base, const ComparedRun& changed, const ComparePolicy& policy,
                  bool same_scenario);

}  // namespace cleave
