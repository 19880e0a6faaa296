#pragma once

#include <vector>

#include "sim/scheduling/scheduler.h"

namespace cleave {

/// Conditional disaggregation: whether a prompt is computed on the instance that then decodes it,
/// because little of it is missing there, or prompt instances are busy. As in Dynamo 1.5
/// (`isl_bounding`, `prefill_load`, `isl_or_load`) and llm-d (`uncached`).
class LocalPrefill {
 public:
  /// A router's own settings, and these.
  static std::vector<Setting> settings_beside(std::vector<Setting> own);
  static LocalPrefill read(JsonReader& section);

  bool never() const { return rule_ == Rule::kNever; }
  bool wanted(const ClusterView& cluster, const Demand& demand, const Placement& placement) const;

 private:
  enum class Rule : std::uint8_t { kNever, kIslBounding, kPrefillLoad, kIslOrLoad, kUncached };

  Rule rule_ = Rule::kNever;
  std::int64_t tokens_ = 0;
  double share_ = 0;
  std::int64_t busy_tokens_ = 0;
  double busy_memory_ = 0;
};

}  // namespace cleave
