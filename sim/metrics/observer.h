#pragma once

#include <cstdint>
#include <string>

namespace cleave {

/// Instances (one LLM on one group of GPUs; usually a whole machine) are numbered over all pools,
/// in the order of the scenario.
using InstanceId = std::uint32_t;
inline constexpr InstanceId kNoInstance = 0xffffffffU;

/// A request that left the cluster with all its tokens. Times in seconds since the start of the
/// run.
struct FinishedRequest {
  std::uint64_t number = 0;  ///< position in the workload, from 0
  std::uint64_t line = 0;    ///< line in its file, from 1
  std::uint32_t prompt_tokens = 0;
  std::uint32_t output_tokens = 0;
  double arrival_s = 0;
  double prompt_start_s = 0;
  double first_token_s = 0;     ///< end of the prompt phase
  double transfer_ready_s = 0;  ///< when the KV cache was ready to leave (0 where it never moved)
  double transfer_start_s = 0;
  double transfer_end_s = 0;
  double token_start_s = 0;  ///< start of the first decode iteration (first_token_s if none)
  double completion_s = 0;
  double largest_gap_s = 0;  ///< between two consecutive tokens; 0 for one token
  double aside_s = 0;        ///< between its tokens, in no iteration: sent, waiting or put aside
  InstanceId prompt_instance = kNoInstance;
  InstanceId token_instance = kNoInstance;
  std::uint32_t preemptions = 0;  ///< times its token phase was put aside
  std::uint32_t restarts = 0;     ///< times it began again from its prompt

  bool moved() const { return prompt_instance != token_instance; }
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
  std::uint32_t prompts = 0;        ///< prompts in the batch; iterations is then 1
  std::uint32_t prompt_tokens = 0;  ///< of all of them
  std::uint32_t decodes = 0;        ///< sequences that each got `iterations` tokens
  std::uint32_t joined = 0;         ///< of these, how many are reported by gap() for iteration 0
  double kv_tokens = 0;             ///< read by the first iteration
};

/// How one direction of one link was used over a run.
struct LinkUse {
  std::string name;
  double bandwidth_bps = 0;  ///< bytes per second
  double bytes = 0;
  double mean = 0;      ///< share of its bandwidth, over the run
  double p99 = 0;       ///< of the shares in equal windows of time
  double above_90 = 0;  ///< share of the windows above 90 %
};

enum class PoolRole : std::uint8_t { kPrompt, kToken, kMixed };
/// "prompt", "token", "mixed".
const char* role_name(PoolRole role);

/// Totals that must balance: arrived = completed + rejected + unfinished.
struct RunTotals {
  std::uint64_t arrived = 0;
  std::uint64_t completed = 0;
  std::uint64_t rejected = 0;
  std::uint64_t unfinished = 0;
  std::uint64_t restarts = 0;           ///< after faults
  std::uint64_t deadlocks = 0;          ///< broken by a request that began again
  std::uint64_t over_prompt_limit = 0;  ///< prompts longer than an iteration's limit of tokens
  std::uint64_t stranded = 0;           ///< of the unfinished: no machine was up to take them
  std::uint64_t events = 0;             ///< of the engine
  double end_s = 0;                     ///< time of the last event, which concerned a request
};

/// What can be seen of a run, in the order in which it happens. Default: look away.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void arrived(double /*time_s*/) {}
  virtual void finished(const FinishedRequest&) {}
  /// A request that no instance could ever hold.
  virtual void rejected(const FinishedRequest&, double /*needed_bytes*/) {}
  /// At the end of the run, each request still in the cluster.
  virtual void unfinished(const FinishedRequest&) {}
  /// At the end of a segment.
  virtual void segment(const Segment&) {}
  /// The time between two tokens of one request, the second of which came at `time_s`, where it is
  /// not an iteration of a segment: before its first decode iteration, or after it was put aside.
  virtual void gap(double /*time_s*/, double /*gap_s*/) {}
  /// A request begins again from its prompt; the output tokens that it had are lost.
  virtual void given_up(double /*time_s*/, std::uint32_t /*output_tokens*/) {}
  /// Memory in use on an instance (weights included), from now on.
  virtual void memory(InstanceId, double /*time_s*/, double /*bytes*/) {}
  /// Requests waiting on an instance for their prompt phase or for a place in the batch, from now
  /// on.
  virtual void queue(InstanceId, double /*time_s*/, std::uint32_t /*requests*/) {}
  /// A KV transfer ended; `ideal_s` is what it would have taken alone.
  virtual void transferred(InstanceId /*from*/, InstanceId /*to*/, double /*start_s*/,
                           double /*end_s*/, double /*bytes*/, double /*ideal_s*/) {}
  /// At the end of the run, once for each link and direction.
  virtual void link_used(const LinkUse&) {}
  /// The instance works for another pool from now on.
  virtual void pool_changed(InstanceId, double /*time_s*/, PoolRole) {}
};

}  // namespace cleave
