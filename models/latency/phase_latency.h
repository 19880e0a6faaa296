#pragma once

#include <limits>
#include <vector>

#include "models/latency/latency.h"

namespace cleave {

/// A prefill as a function of its pairs: seconds + per_pair_s for each further one, as far as
/// `most_pairs`.
struct PrefillCost {
  double seconds = 0;
  double per_pair_s = 0;
  double most_pairs = std::numeric_limits<double>::infinity();
};

/// The time of one decode iteration as a function of the KV tokens its sequences read:
/// base_s + per_kv_token_s * kv_tokens.
struct DecodeCost {
  double base_s = 0;
  double per_kv_token_s = 0;
};

/// A latency known by phase, prefill and decode each alone. An iteration of both reads the weights
/// once: it takes as long as a prefill of all its tokens (what decodes but for their attention
/// are), at least as long as its decodes without KV, and on top the time to read their KV.
class PhaseLatency : public LatencyModel {
 public:
  RunCost cost(const BatchShape& shape) const final;

 protected:
  /// Of prompts of so many tokens, above 0, beside `decodes` tokens that have no prompt.
  virtual PrefillCost prefill(double tokens, double pairs, double decodes) const = 0;
  virtual DecodeCost decode(std::uint32_t sequences) const = 0;

 private:
  const DecodeCost& decodes(std::uint32_t sequences) const;

  mutable std::vector<DecodeCost> decodes_;  ///< asked for so far, by sequences - 1
};

}  // namespace cleave
