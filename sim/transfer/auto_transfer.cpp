#include "sim/transfer/transfer_policy.h"

namespace cleave {

namespace {

/// Serialized for short prompts, whose cache leaves faster than its layers could be synchronised,
/// layer by layer for the others. Setting: `threshold_tokens`, 512 on H100 in the paper (section
/// IV-C).
class AutoTransfer : public TransferPolicy {
 public:
  explicit AutoTransfer(std::uint32_t threshold_tokens) : threshold_tokens_(threshold_tokens) {}
  bool layer_by_layer(std::uint32_t prompt_tokens) const override {
    return prompt_tokens >= threshold_tokens_;
  }

 private:
  std::uint32_t threshold_tokens_;
};

const TransferPolicies::Entry kEntry{
    "auto", "serialized below threshold_tokens, layer by layer from there on",
    [](JsonReader& settings) {
      return std::make_unique<AutoTransfer>(
          static_cast<std::uint32_t>(settings.integer("threshold_tokens", 0, 100'000'000)));
    }};

}  // namespace

}  // namespace cleave
