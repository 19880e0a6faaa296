#include "sim/scaling/instance_capacity.h"

#include <algorithm>
#include <cmath>

namespace cleave {

double InstanceCapacity::requests_rps(std::size_t pool, double prompt_tokens, double output_tokens,
                                      double tpot_s) const {
  const CarryingInstance& instance = pools_[pool];
  prompt_tokens = std::max(1.0, prompt_tokens);
  output_tokens = std::max(1.0, output_tokens);
  const double each = instance.role == PoolRole::kPrompt ? prompts_rps(instance, prompt_tokens)
                      : instance.role == PoolRole::kToken
                          ? sequences_rps(instance, prompt_tokens, output_tokens, tpot_s)
                          : both_rps(instance, prompt_tokens, output_tokens, tpot_s);
  return each * instance.instances_per_machine;
}

double InstanceCapacity::prompts_rps(const CarryingInstance& instance, double prompt_tokens) {
  const double most = std::floor(instance.limits.max_tokens / prompt_tokens);
  const double prompts = std::clamp(most, 1.0, 1.0 * instance.limits.max_sequences);
  BatchShape shape;
  shape.prompts = static_cast<std::uint32_t>(prompts);
  shape.prefill_tokens = static_cast<std::uint32_t>(std::llround(prompts * prompt_tokens));
  shape.prefill_pairs = prompts * prompt_tokens * prompt_tokens;
  return prompts / instance.latency->cost(shape).first_s;
}

// An iteration never gets shorter with its batch, so that the largest batch is found by halving.
double InstanceCapacity::sequences_rps(const CarryingInstance& instance, double prompt_tokens,
                                       double output_tokens, double tpot_s) {
  if (output_tokens <= 1) return 1e12;  // the first token comes with the prompt
  const double kv_tokens = prompt_tokens + output_tokens / 2;
  const auto iteration_s = [&](std::uint32_t sequences) {
    return decode_s(*instance.latency, sequences, std::llround(sequences * kv_tokens));
  };
  const double room = std::floor(static_cast<double>(instance.kv_tokens) / kv_tokens);
  std::uint32_t fits = 0;
  auto too_many =
      static_cast<std::uint32_t>(std::min({room, 1.0 * instance.limits.max_sequences, 1e6})) + 1;
  while (too_many - fits > 1) {
    const std::uint32_t middle = fits + (too_many - fits) / 2;
    (iteration_s(middle) <= tpot_s ? fits : too_many) = middle;
  }
  return fits == 0 ? 0 : fits / iteration_s(fits) / (output_tokens - 1);
}

// The more prompts take, the fewer sequences fit beside them: where both meet.
double InstanceCapacity::both_rps(const CarryingInstance& instance, double prompt_tokens,
                                  double output_tokens, double tpot_s) {
  const double prompts = prompts_rps(instance, prompt_tokens);
  double carries = 0;
  double too_much = prompts;
  constexpr int kSteps = 40;
  for (int step = 0; step < kSteps; ++step) {
    const double middle = (carries + too_much) / 2;
    const double left = 1 - middle / prompts;
    const bool holds =
        left * sequences_rps(instance, prompt_tokens, output_tokens, tpot_s * left) >= middle;
    (holds ? carries : too_much) = middle;
  }
  return carries;
}

}  // namespace cleave
