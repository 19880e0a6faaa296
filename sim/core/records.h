#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "sim/core/ids.h"

namespace cleave {

/// Why a request was sent away.
enum class Refusal : std::uint8_t {
  kNone,
  kTooLarge,  ///< for every instance
  kOverRate,  ///< its class sent more than it may
  kLate,      ///< it still waited when its class's first token was due
};

/// A request that left the cluster with all its tokens. Times in seconds since the start of the
/// run.
struct FinishedRequest {
  // What is looked at most often, together.
  std::uint32_t prompt_tokens = 0;
  std::uint32_t output_tokens = 0;
  InstanceId prompt_instance = kNoInstance;
  InstanceId token_instance = kNoInstance;
  double arrival_s = 0;
  double prompt_start_s = 0;
  double first_token_s = 0;     ///< end of the prompt phase
  double token_start_s = 0;     ///< start of the first decode iteration (first_token_s if none)
  double largest_gap_s = 0;     ///< between two consecutive tokens; 0 for one token
  double aside_s = 0;           ///< between its tokens, in no iteration: sent, waiting or put aside
  double transfer_ready_s = 0;  ///< when the KV cache was ready to leave (0 where it never moved)
  double transfer_start_s = 0;
  double transfer_end_s = 0;
  double completion_s = 0;
  std::uint64_t number = 0;         ///< position in the workload, from 0
  std::uint64_t line = 0;           ///< line in its file, from 1
  std::uint32_t priority = 0;       ///< the lower, the earlier, where batching looks at it
  std::uint32_t traffic_class = 0;  ///< in the scenario's order, where it has classes
  std::uint32_t preemptions = 0;    ///< times its token phase was put aside
  std::uint32_t restarts = 0;       ///< times it began again from its prompt
  std::uint32_t cached_tokens = 0;  ///< of its prompt, that were in its prefix cache at its start
  std::uint32_t loaded_tokens = 0;  ///< of these, that were loaded from a lower tier
  std::uint32_t moves = 0;          ///< times it left an instance that drained, between two tokens
  std::uint32_t turn = 0;           ///< of its session, from 1
  std::uint64_t session = 0;        ///< the conversation that it is a turn of; 0: none
  bool last_turn = true;
  Refusal refusal = Refusal::kNone;

  bool moved() const { return prompt_instance != token_instance; }
  /// Whether its KV cache went from its prompt to a token instance before its second token.
  bool handed_over() const { return transfer_end_s > 0; }
  /// What its transfer took beyond its prompt phase, waiting for room included: it had its first
  /// token, and its KV cache was not there yet.
  double exposed_transfer_s() const {
    return handed_over() ? std::max(0.0, transfer_end_s - first_token_s) : 0;
  }
};

/// A run of iterations of one instance with an unchanged batch. Iteration i (from 0) takes
/// first_iteration_s + i * growth_s.
struct Segment {
  InstanceId instance = kNoInstance;
  double start_s = 0;
  double end_s = 0;
  std::uint32_t iterations = 0;
  double first_iteration_s = 0;
  double growth_s = 0;
  std::uint32_t prompts = 0;            ///< of which each iteration computes a part, or all
  std::uint32_t prompt_tokens = 0;      ///< of all of them, an iteration
  std::uint32_t completed_prompts = 0;  ///< of these, with the last iteration
  std::uint32_t decodes = 0;            ///< sequences in each iteration
  double decode_tokens = 0;             ///< that these got: one an iteration, more with speculation
  std::uint32_t joined = 0;  ///< of these, how many are reported by gap() for iteration 0
  double stood_still_s = 0;  ///< the others got no token for so long before the start
  double kv_tokens = 0;      ///< read by the first iteration
  double power_cap = 1;      ///< of the GPUs, as a share of TDP; a machine's own may be lower
};

/// How one direction of one link was used over a run.
struct LinkUse {
  std::string name;
  double bandwidth_bytes_per_s = 0;  ///< bytes per second
  double bytes = 0;
  double mean = 0;      ///< share of its bandwidth, over the run
  double p99 = 0;       ///< of the shares in equal windows of time
  double above_90 = 0;  ///< share of the windows above 90 %
};

/// What is known before a run of those of its requests that are measured.
struct ExpectedRequests {
  std::uint64_t most = 0;         ///< of them
  double from_s = 0;              ///< who arrives from here on is one, for certain,
  std::uint64_t from_number = 0;  ///< where also its number is not below this
};

/// Totals that must balance: arrived = completed + rejected + unfinished.
struct RunTotals {
  std::uint64_t arrived = 0;
  std::uint64_t completed = 0;
  std::uint64_t rejected = 0;
  std::uint64_t unfinished = 0;
  std::uint64_t over_rate = 0;          ///< of the rejected: Refusal::kOverRate
  std::uint64_t late = 0;               ///< of the rejected: Refusal::kLate
  std::uint64_t restarts = 0;           ///< after faults
  std::uint64_t moves = 0;              ///< away from instances that drained
  std::uint64_t deadlocks = 0;          ///< broken by a request that began again
  std::uint64_t over_prompt_limit = 0;  ///< prompts longer than an iteration's limit of tokens
  std::uint64_t stranded = 0;           ///< of the unfinished: no machine was up to take them
  std::uint64_t events = 0;             ///< of the engine
  double hindsight_machine_hours = 0;   ///< of a scaled cluster: what its traffic needed
  double end_s = 0;                     ///< time of the last event, which concerned a request
};

}  // namespace cleave
