#pragma once

#include <cstdint>
#include <vector>

#include "models/latency/latency.h"
#include "sim/machine/batching_policy.h"
#include "sim/scaling/scaling_policy.h"

namespace cleave {

/// What an instance is to its capacity.
struct CarryingInstance {
  PoolRole role = PoolRole::kMixed;
  const LatencyModel* latency = nullptr;
  BatchLimits limits;
  std::int64_t kv_tokens = 0;  ///< that it can hold
  std::uint32_t instances_per_machine = 1;
  double start_up_s = 0;
};

/// By arithmetic over the latency model, as if requests came evenly:
/// - A prompt instance computes as many prompts of mean length at once as an iteration takes.
/// - A token instance runs the largest batch that fits into its memory, each sequence half
///   finished, and whose iteration is within the limit.
/// - A mixed one does both: while prompts take a share p of its time, an iteration of decodes may
///   take the limit times 1 - p.
class InstanceCapacity : public PoolCapacity {
 public:
  explicit InstanceCapacity(std::vector<CarryingInstance> pools) : pools_(std::move(pools)) {}

  double requests_rps(std::size_t pool, double prompt_tokens, double output_tokens,
                      double tpot_s) const override;
  double start_up_s(std::size_t pool) const override { return pools_[pool].start_up_s; }

 private:
  static double prompts_rps(const CarryingInstance& instance, double prompt_tokens);
  static double sequences_rps(const CarryingInstance& instance, double prompt_tokens,
                              double output_tokens, double tpot_s);
  static double both_rps(const CarryingInstance& instance, double prompt_tokens,
                         double output_tokens, double tpot_s);

  std::vector<CarryingInstance> pools_;
};

}  // namespace cleave
