#include "sim/transfer/transfer_policy.h"

namespace cleave {

namespace {

// inference-sim's default: an order of magnitude, by its own words, not a measurement.
const Setting kSetup{"setup_s", 5e-5, "s",
                     "before each flow of a transfer (inference-sim's 0.05 ms)",
                     in({0, 1e3, false})};
// Llama 70B on 8 GPUs, 18,880 descriptors posted in 46 ms (ai-dynamo/nixl#1514).
const Setting kDescriptor{"descriptor_s", 2.4e-6, "s",
                          "to post each descriptor of a flow, before its bytes leave (46 ms for "
                          "18,880 in nixl#1514)",
                          in({0, 1, false})};
const Setting kPerBlock{"descriptors_per_block", nullptr, "",
                        "of kv_cache.block_tokens; 2 x layers for every 16 tokens, or block where "
                        "that is more, unless given (half where keys and values are one latent)",
                        in({0.001, 1e6, false})};

/// As the engines of today transfer: what leaves at once is a flow that is posted descriptor by
/// descriptor.
class Posted : public TransferPolicy {
 public:
  Posted(Leaving leaving, const PostingCost& cost) : leaving_(leaving), cost_(cost) {}
  Leaving leaving(std::uint32_t) const override { return leaving_; }
  PostingCost cost() const override { return cost_; }

 private:
  Leaving leaving_;
  PostingCost cost_;
};

TransferPolicies::Entry posted(const char* name, const char* summary, Leaving leaving) {
  return {name, summary, {kSetup, kDescriptor, kPerBlock}, [leaving](JsonReader& section) {
            PostingCost cost;
            cost.setup_s = kSetup.number(section);
            cost.descriptor_s = kDescriptor.number(section);
            cost.descriptors_per_block = kPerBlock.optional_number(section);
            return [=] { return std::make_unique<Posted>(leaving, cost); };
          }};
}

const TransferPolicies::Entry kPull =
    posted("pull", "the token instance reads the whole cache after the prompt phase (vLLM, NIXL)",
           Leaving::kWhole);
const TransferPolicies::Entry kPush =
    posted("push", "the prompt instance writes each chunk once it is computed (SGLang, Mooncake)",
           Leaving::kChunks);

}  // namespace

}  // namespace cleave
