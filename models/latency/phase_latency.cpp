#include "models/latency/phase_latency.h"

#include <algorithm>
#include <cmath>

namespace cleave {

const DecodeCost& PhaseLatency::decodes(std::uint32_t sequences) const {
  while (decodes_.size() < sequences) {
    decodes_.push_back(decode(static_cast<std::uint32_t>(decodes_.size()) + 1));
  }
  return decodes_[sequences - 1];
}

RunCost PhaseLatency::cost(const BatchShape& shape) const {
  RunCost cost;
  if (shape.decodes > 0) {
    const DecodeCost& decode = decodes(shape.decodes);
    cost.first_s = decode.base_s + decode.per_kv_token_s * static_cast<double>(shape.kv_tokens);
    cost.growth_s = decode.per_kv_token_s * shape.kv_growth;
  }
  if (shape.prefill_tokens == 0) return cost;
  const PrefillCost prompts = prefill(shape.prefill_tokens, shape.prefill_pairs, shape.decodes);
  const double base_s = shape.decodes > 0 ? decodes(shape.decodes).base_s : 0;
  const double growth_s = prompts.per_pair_s * shape.pairs_growth;
  cost.holds_for = iterations_within(prompts.most_pairs - shape.prefill_pairs, shape.pairs_growth);
  if (prompts.seconds >= base_s) {
    cost.first_s += prompts.seconds - base_s;
    cost.growth_s += growth_s;
    // Prompts that become more like one can take less; not less than the decodes.
    cost.holds_for =
        std::min(cost.holds_for, iterations_within(prompts.seconds - base_s, -growth_s));
  } else {
    // Until the prompts' attention makes them the longer part.
    cost.holds_for =
        std::min(cost.holds_for, iterations_within(base_s - prompts.seconds, growth_s));
  }
  return cost;
}

}  // namespace cleave
