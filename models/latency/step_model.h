#pragma once

#include <cstdint>

#include "models/catalogue/hardware.h"
#include "models/catalogue/llm.h"
#include "models/catalogue/parallelism.h"
#include "models/latency/engine_profile.h"
#include "models/latency/expert_load.h"
#include "models/latency/latency.h"
#include "models/latency/operators.h"

namespace cleave {

/// The time of any iteration, of sequences, prompts, chunks, or all of them: n tokens at once.
///
///     T = [ (weights/(e*BW))^4 + (flops/(e*peak))^4 ]^(1/4)        matrix products of all layers
///       + the same for experts, of which n tokens touch E (1 - (1 - k/E)^n)
///       + activations/(e*BW) + KV read/(e*BW) + attention flops of prompts/(e*peak)
///       + two all-reduces a layer, or exchanges of tokens where groups have experts of their own
///       + what the engine costs: HostCosts
///
/// with efficiencies e from tables of operators. Where data-parallel groups work side by side, the
/// slowest counts: each has its share of the tokens, and the part whose experts have most to do
/// counts (ExpertLoad).
class StepModel {
 public:
  /// `machine` says how GPUs of several machines are connected.
  StepModel(const Llm& llm, const Machine& machine, const Parallelism& parallelism,
            const Operators& operators, const HostCosts& host, const ExpertSkew& skew = {});

  RunCost cost(const BatchShape& shape) const;

 private:
  /// Seconds for each byte and each flop, and each call.
  struct Rate {
    double per_byte_s = 0;
    double per_flop_s = 0;
    double call_s = 0;
  };
  /// Of `tokens` on each data-parallel group; of all layers, on one of its GPUs.
  struct Work {
    double tokens = 0;   ///< of a group
    double all = 0;      ///< of all groups
    double samples = 0;  ///< of a group: tokens that come out
  };

  static Rate rate(const FoundOperator& found, double bandwidth, double peak);
  static double both(double memory_s, double compute_s);
  double matrix_s(const Work& work) const;
  double expert_s(double all_tokens) const;
  double exchange_s(const Work& work) const;
  /// As a function of the KV tokens of a group: seconds and growth for each further one.
  struct KvTime {
    double seconds = 0;
    double per_token_s = 0;
    double until_tokens = 0;  ///< to which that holds
  };
  KvTime kv_time(double kv_tokens, double sequences) const;
  /// The same of `tokens` of prompts, as a function of the pairs they see.
  struct PairTime {
    double seconds = 0;
    double per_pair_s = 0;
    double until_pairs = 0;
  };
  PairTime pair_time(double tokens, double pairs) const;
  double prompt_share(const BatchShape& shape) const;
  void add_prompts(const BatchShape& shape, RunCost& cost) const;

  void set_matrices(const Gpu& gpu, const Operators& operators);
  void set_experts(const Gpu& gpu, const Operators& operators);
  void set_attention(const Gpu& gpu, const Operators& operators);
  void set_exchanges(const Machine& machine, const Operators& operators);

  Llm llm_;
  Parallelism parallelism_;
  HostCosts host_;
  ExpertLoad load_;
  double expert_layers_ = 0;
  double layers_s_ = 0;  ///< what all layers cost, whatever is in the batch
  double launch_s_ = 0;  ///< what an iteration with prompts takes at least

  Rate dense_;
  Rate experts_;
  double dense_bytes_ = 0;   ///< of a GPU
  double dense_flops_ = 0;   ///< a token
  double head_bytes_ = 0;    ///< of the matrix that rates tokens
  double head_flops_ = 0;    ///< a sample
  double activation_s_ = 0;  ///< a token
  double expert_bytes_ = 0;  ///< of one expert of a layer, on a GPU
  double expert_flops_ = 0;  ///< a token and expert, of a layer, on a GPU
  double routed_s_ = 0;      ///< of a token and expert, to bring it there and back
  double exchange_call_s_ = 0;
  double exchange_token_s_ = 0;
  double network_token_s_ = 0;  ///< of these, exchanges that leave the server
  double network_token_bytes_ = 0;
  double kv_token_s_ = 0;      ///< layers without a window
  double window_token_s_ = 0;  ///< layers with one
  double index_token_s_ = 0;
  double state_s_ = 0;  ///< a sequence
  double pair_s_ = 0;   ///< layers without a window
  double window_pair_s_ = 0;
  double index_pair_s_ = 0;
};

}  // namespace cleave
