#include "models/latency/instance_model.h"
#include "models/latency/latency_profile.h"

namespace cleave {

namespace {

/// As the published simulator looks latencies up: medians by prompt tokens for both phases, the
/// decode table asked with the number of sequences, so that neither their number nor their KV cache
/// slows it.
class PublishedLatency : public PhaseLatency {
 public:
  explicit PublishedLatency(LatencyProfile profile) : profile_(std::move(profile)) {}
  std::string profile() const override { return profile_.name(); }
  bool shrinks() const override { return true; }

 private:
  PrefillCost prefill(double tokens, double, double decodes) const override {
    return {profile_.median_prompt_s(tokens + decodes)};
  }
  DecodeCost decode(std::uint32_t sequences) const override {
    return {profile_.median_token_s(sequences)};
  }

  LatencyProfile profile_;
};

const LatencyPolicies::Entry kEntry{
    "published", "medians by prompt tokens, as the published simulator looks them up",
    [](const InstanceDescription& instance) {
      return std::make_unique<PublishedLatency>(measured_profile(instance));
    }};

}  // namespace

}  // namespace cleave
