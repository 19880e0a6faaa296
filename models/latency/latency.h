#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sim/base/json_reader.h"

namespace cleave {

/// The time of one decode iteration as a function of the KV tokens its sequences read:
/// base_s + per_kv_token_s * kv_tokens. Linear, so that a run of iterations has a closed form.
struct DecodeCost {
  double base_s = 0;
  double per_kv_token_s = 0;
};

/// How long one iteration takes on one instance (one LLM on one group of GPUs).
class LatencyModel {
 public:
  virtual ~LatencyModel() = default;

  /// One iteration over prompts of `tokens` in all, whose squares add up to `squared_tokens`.
  /// Never negative, never decreasing when a prompt grows or joins.
  virtual double prefill_s(double tokens, double squared_tokens) const = 0;

  /// One decode iteration over `sequences` (at least 1). Never negative, never decreasing in
  /// sequences or KV tokens.
  virtual DecodeCost decode(std::uint32_t sequences) const = 0;

  /// False where every figure was measured on this very configuration; true where it was derived
  /// from others, so that results say "estimated".
  virtual bool estimated() const { return false; }

  /// The name of the measured profile that it rests on; "" for none.
  virtual std::string profile() const { return ""; }
};

}  // namespace cleave
