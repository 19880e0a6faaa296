#include "sim/scaling/scaling_policy.h"

namespace cleave {

namespace {

class NoScaling : public ScalingPolicy {
 public:
  double first_s() const override { return kNever; }
  double next_s(double) const override { return kNever; }
  void decide(const ScalingView&, std::vector<PoolSize>&) override {}
};

const ScalingPolicies::Entry kEntry{
    "none", "all machines are on all the time",
    [](const ScalingContext&) { return std::make_unique<NoScaling>(); }};

}  // namespace

}  // namespace cleave
