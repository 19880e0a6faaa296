#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "models/latency/latency_profile.h"
#include "tests/support/seen_run.h"

namespace cleave {

/// What tests that compute a run by hand know of a scenario with one kind of machine: the fitted
/// latencies, the sizes and the speeds.
struct HandModel {
  explicit HandModel(const Json& changes) : HandModel(read_scenario(scenario_of(changes))) {}
  explicit HandModel(const Scenario& scenario)
      : profile(*find_latency_profile(latency_profile_name(
            scenario.llms.front().name, scenario.pools[0].machine.gpu.name,
            scenario.pools[0].machine.power_cap, scenario.pools[0].tensor_parallel))),
        kv_bytes_per_token(scenario.llms.front().kv_bytes_per_token),
        capacity_bytes(scenario.pools[0].machine.gpu.memory_bytes *
                       scenario.pools[0].tensor_parallel),
        weight_bytes(scenario.llms.front().weight_bytes) {}

  double prefill_s(double tokens) const { return profile.prefill.seconds(tokens, tokens * tokens); }
  /// Several prompts and sequences in one iteration, each by its tokens.
  double prefill_s(const std::vector<double>& lengths) const {
    double tokens = 0;
    double squared = 0;
    for (const double length : lengths) {
      tokens += length;
      squared += length * length;
    }
    return profile.prefill.seconds(tokens, squared);
  }
  /// One prompt beside sequences: the weights are read once.
  double mixed_s(double prompt, double sequences, double kv_tokens) const {
    const double prefill_s = profile.prefill.by_tokens(prompt + sequences) +
                             profile.prefill.per_squared_token_s * prompt * prompt;
    const DecodeCost decode = profile.decode.cost(sequences);
    return std::max(prefill_s, decode.base_s) + decode.per_kv_token_s * kv_tokens;
  }
  double decode_s(double sequences, double kv_tokens) const {
    const DecodeCost cost = profile.decode.cost(sequences);
    return cost.base_s + cost.per_kv_token_s * kv_tokens;
  }
  double capacity_tokens() const { return (capacity_bytes - weight_bytes) / kv_bytes_per_token; }

  LatencyProfile profile;
  double kv_bytes_per_token;
  double capacity_bytes;
  double weight_bytes;
};

/// A sequence on a machine that only decodes, one iteration after another.
struct HandSequence {
  double ready_s = 0;  ///< may join from the next iteration on
  double prompt_tokens = 0;
  double output_tokens = 0;
  double generated = 1;  ///< the first token comes from the prompt phase
  double start_s = -1;
  double end_s = -1;
};

/// Decodes `sequences` (ordered by ready_s) to their ends.
inline void decode_by_hand(const HandModel& model, std::vector<HandSequence>& sequences) {
  double now_s = 0;
  for (std::size_t done = 0; done < sequences.size();) {
    std::vector<HandSequence*> batch;
    double kv_tokens = 0;
    for (HandSequence& sequence : sequences) {
      if (sequence.end_s >= 0 || sequence.ready_s > now_s) continue;
      batch.push_back(&sequence);
      kv_tokens += sequence.prompt_tokens + sequence.generated;
    }
    if (batch.empty()) {
      double next_s = -1;
      for (const HandSequence& sequence : sequences) {
        if (sequence.end_s < 0 && (next_s < 0 || sequence.ready_s < next_s)) {
          next_s = sequence.ready_s;
        }
      }
      now_s = next_s;
      continue;
    }
    for (HandSequence* sequence : batch) {
      if (sequence->start_s < 0) sequence->start_s = now_s;
    }
    now_s += model.decode_s(static_cast<double>(batch.size()), kv_tokens);
    for (HandSequence* sequence : batch) {
      if (++sequence->generated == sequence->output_tokens) {
        sequence->end_s = now_s;
        ++done;
      }
    }
  }
}

}  // namespace cleave
