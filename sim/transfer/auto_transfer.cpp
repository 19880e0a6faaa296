#include "sim/transfer/transfer_policy.h"

namespace cleave {

namespace {

const Setting kThreshold{"threshold_tokens", 512, "tokens",
                         "prompts from this length on leave layer by layer (paper, section IV-C)",
                         whole(0, 100'000'000)};

/// Serialized for short prompts, whose cache leaves faster than its layers could be synchronised,
/// layer by layer for the others.
class AutoTransfer : public TransferPolicy {
 public:
  explicit AutoTransfer(std::uint32_t threshold_tokens) : threshold_tokens_(threshold_tokens) {}
  Leaving leaving(std::uint32_t prompt_tokens) const override {
    return prompt_tokens >= threshold_tokens_ ? Leaving::kLayers : Leaving::kWhole;
  }

 private:
  std::uint32_t threshold_tokens_;
};

const TransferPolicies::Entry kEntry{
    "auto",
    "serialized below threshold_tokens, layer by layer from there on",
    {kThreshold},
    [](JsonReader& section) {
      const auto threshold_tokens = kThreshold.count(section);
      return [=] { return std::make_unique<AutoTransfer>(threshold_tokens); };
    }};

}  // namespace

}  // namespace cleave
