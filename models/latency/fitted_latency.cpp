#include "models/latency/instance_model.h"
#include "models/latency/latency_profile.h"

namespace cleave {

namespace {

/// What was measured on this LLM, GPU, cap and tensor-parallel degree, as fitted.
class FittedLatency : public LatencyModel {
 public:
  explicit FittedLatency(LatencyProfile profile) : profile_(std::move(profile)) {}
  double prefill_s(double tokens, double squared_tokens) const override {
    return profile_.prefill.seconds(tokens, squared_tokens);
  }
  DecodeCost decode(std::uint32_t sequences) const override {
    return profile_.decode.cost(sequences);
  }
  std::string profile() const override { return profile_.name(); }

 private:
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
