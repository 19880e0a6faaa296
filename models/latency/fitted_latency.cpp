#include "models/latency/instance_model.h"
#include "models/latency/latency_profile.h"

namespace cleave {

namespace {

/// What was measured on this LLM, GPU, cap and tensor-parallel degree, as fitted.
class FittedLatency : public PhaseLatency {
 public:
  explicit FittedLatency(LatencyProfile profile) : profile_(std::move(profile)) {}
  std::string profile() const override { return profile_.name(); }
  bool shrinks() const override { return profile_.shrinks(); }
  std::string how_sure() const override {
    return profile_.software.empty() ? "" : "measured with " + profile_.software;
  }

 private:
  PrefillCost prefill(double tokens, double pairs, double decodes) const override {
    return profile_.prefill.cost(tokens, pairs, decodes);
  }
  DecodeCost decode(std::uint32_t sequences) const override {
    return profile_.decode.cost(sequences);
  }

  LatencyProfile profile_;
};

const LatencyPolicies::Entry kEntry{
    "fitted",
    "fitted to measurements: prefill by tokens and their squares, decode by sequences and KV",
    [](const InstanceDescription& instance) {
      return std::make_unique<FittedLatency>(measured_profile(instance));
    }};

}  // namespace

}  // namespace cleave
