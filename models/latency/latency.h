#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>

namespace cleave {

/// What the first of a run of iterations with an unchanged batch computes. Each further iteration
/// has the same tokens, `kv_growth` more KV tokens to read and `pairs_growth` more pairs.
struct BatchShape {
  std::uint32_t prefill_tokens = 0;  ///< of all prompts, or of their chunks
  /// Sum of (o + c)^2 - o^2 over chunks of c tokens after o earlier ones: twice what causal
  /// attention sees.
  double prefill_pairs = 0;
  double pairs_growth = 0;  ///< sum of 2 c^2
  /// Tokens of sequences: one of each, and those that were drafted for it.
  std::uint32_t decodes = 0;
  std::int64_t kv_tokens = 0;  ///< that the sequences read
  double kv_growth = 0;        ///< as many as the sequences get tokens
  /// That the prefill tokens are of; 0: nobody says, and they take the least that they may.
  std::uint32_t prompts = 0;
};

/// The time of such a run: iteration i (from 0) takes first_s + i * growth_s. Exact for `holds_for`
/// iterations, at least one.
struct RunCost {
  static constexpr std::uint64_t kForEver = std::numeric_limits<std::uint64_t>::max();

  double first_s = 0;
  double growth_s = 0;
  std::uint64_t holds_for = kForEver;
  /// Where the GPUs are in several servers, what each of these sends to the others in an iteration,
  /// bytes, and of first_s how long that is under way as the GPUs' links have it. Who knows the
  /// network adds what it takes longer.
  double network_bytes = 0;
  double network_s = 0;
};

/// Iterations until something that grows by `growth` an iteration has come further than `distance`.
inline std::uint64_t iterations_within(double distance, double growth) {
  constexpr double kMost = 1e18;
  if (growth <= 0 || distance >= kMost * growth) return RunCost::kForEver;
  return static_cast<std::uint64_t>(std::max(0.0, std::floor(distance / growth))) + 1;
}

/// How long iterations take on one instance (one LLM on one group of GPUs). An implementation must
/// give the same for the same shape at any time, and must not know who is in the batch. Never
/// negative; never decreasing when a prompt or a sequence joins others of its kind, or reads more,
/// unless it shrinks(). So many prefill tokens take the least time where each is a prompt, or where
/// all are one (with pairs of so many tokens, or of these and those of sequences).
class LatencyModel {
 public:
  virtual ~LatencyModel() = default;

  /// `shape` has a prefill token or a sequence at least.
  virtual RunCost cost(const BatchShape& shape) const = 0;

  /// Whether more can take less time, as medians that were measured do, or sequences of more groups
  /// of GPUs that read as much together; what rests on it must not then.
  virtual bool shrinks() const { return false; }

  /// False where every figure was measured on this very configuration; true where it was derived
  /// from others, so that results say "estimated".
  virtual bool estimated() const { return false; }

  /// How far it is from measurements, for a person: "TPOT +/- 8 %, ..."; "" where nobody knows, or
  /// where it is one.
  virtual std::string how_sure() const { return ""; }

  /// From a request's arrival until the engine sees it, seconds: its front end.
  virtual double frontend_s() const { return 0; }

  /// The name of the measured profile that it rests on; "" for none.
  virtual std::string profile() const { return ""; }
};

/// One iteration over a single prompt of so many tokens.
inline double prompt_s(const LatencyModel& latency, std::uint32_t tokens) {
  return latency.cost({tokens, 1.0 * tokens * tokens, 0, 0, 0}).first_s;
}

/// One iteration of `sequences` that read so many KV tokens.
inline double decode_s(const LatencyModel& latency, std::uint32_t sequences,
                       std::int64_t kv_tokens) {
  return latency.cost({0, 0, 0, sequences, kv_tokens}).first_s;
}

}  // namespace cleave
