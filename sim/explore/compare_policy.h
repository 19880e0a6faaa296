#pragma once

#include <string>
#include <vector>

#include "sim/metrics/figure.h"

namespace cleave {

/// How much a metric may change: a share of its old value ("1%"), an amount in its unit ("0.05"),
/// or whichever is more of both ("1%,0.001"), for what comes near 0.
struct Tolerance {
  double share = 0;
  double amount = 0;

  double allowed(double base) const;
  std::string text() const;
};

struct MetricRule {
  std::string metric;  ///< path in the summary: "ttft.p99", "pools[0].utilization"
  Better::Way better = Better::kNeither;
  Tolerance tolerance;
  std::string place;  ///< where the rule comes from, for messages
};
using ComparePolicy = std::vector<MetricRule>;

/// As policies name a Better::Way: "lower", "higher", "either".
const std::string& direction_name(Better::Way way);

/// The rules of a policy by name (profiles/compare) or file: {"metrics": {"ttft.p99":
/// {"direction": "lower" | "higher" | "either", "tolerance": "1%" | 0.05 | "1%,0.001"}}}. Throws
/// InputError.
ComparePolicy read_compare_policy(const std::string& name);

/// Applies "METRIC=1%": another tolerance for a rule, or a rule for one more metric, whose
/// direction is that of its figure, or either where the figures do not say.
void set_tolerance(ComparePolicy& policy, const std::string& setting);

}  // namespace cleave
