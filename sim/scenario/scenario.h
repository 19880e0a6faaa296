#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/catalogue/hardware.h"
#include "models/catalogue/llm.h"
#include "models/catalogue/parallelism.h"
#include "models/latency/engine_profile.h"
#include "models/latency/expert_load.h"
#include "models/latency/latency_profile.h"
#include "models/latency/power.h"
#include "sim/base/json_reader.h"
#include "sim/base/timed_values.h"
#include "sim/core/status.h"
#include "sim/core/tier.h"
#include "sim/fabric/fabric.h"
#include "sim/machine/batching_policy.h"
#include "sim/machine/memory_policy.h"
#include "sim/scaling/scaling_policy.h"
#include "sim/scheduling/scheduler.h"
#include "sim/transfer/admission.h"
#include "sim/transfer/transfer_policy.h"
#include "traces/workload.h"

namespace cleave {

/// The KV memory of an instance of a pool, in tokens.
struct KvRoom {
  std::uint32_t block_tokens = 1;
  std::int64_t capacity_tokens = 0;   ///< in whole blocks, beside the weights
  std::int64_t watermark_tokens = 0;  ///< of these, left free by what starts beside others
  std::uint32_t state_tokens = 0;     ///< that a state of linear attention takes, in whole blocks
};

struct PoolSpec {
  PoolRole role = PoolRole::kMixed;
  std::size_t llm = 0;  ///< that it serves, of Scenario::llms
  Machine machine;
  std::uint32_t count = 0;                  ///< machines
  std::uint32_t tensor_parallel = 0;        ///< default: all GPUs of the machine
  std::uint32_t pipeline_parallel = 1;      ///< stages, each of tensor_parallel GPUs
  std::uint32_t data_parallel = 1;          ///< groups of so many GPUs with sequences of their own
  std::uint32_t expert_parallel = 1;        ///< parts of a stage's GPUs with experts of their own
  std::uint32_t instances_per_machine = 1;  ///< as many as the machine has GPUs for, unless given
  std::optional<std::size_t> shares_machines_of;  ///< a pool before it, on whose machines it runs
  /// The same, but on each of them only while that pool has it off.
  std::optional<std::size_t> borrows_machines_of;
  std::uint32_t first_machine = 0;  ///< machines are numbered in pool order
  std::uint32_t first_gpu = 0;  ///< of each machine, those of pools before it on it are in front
  /// The part of each machine that is this pool's: 1, or its share of the GPUs in use where pools
  /// share machines. Cost, power and GPUs are divided by it.
  double machine_share = 1;
  std::optional<TimedValues> power_caps;  ///< of the GPUs, where that changes with time
  double off_price_per_hour = 0;  ///< of a machine that is off: what is paid for it all the same
  std::uint32_t least_on = 0;     ///< machines that stay on, where the cluster is scaled
  std::uint32_t on_at_start = 0;  ///< the same: machines that are on at time 0
  BatchLimits limits;             ///< of the batching policy, on these GPUs
  std::optional<std::uint64_t> kv_blocks;  ///< of an instance, as its engine itself says
  KvRoom kv;
  std::vector<TierRoom> tiers;  ///< behind it, the fastest first

  bool has_own_machines() const { return !shares_machines_of && !borrows_machines_of; }
  std::uint32_t instances() const { return count * instances_per_machine; }
  std::uint32_t machine_of(std::uint32_t instance) const {
    return first_machine + instance / instances_per_machine;
  }
  std::uint32_t gpus_per_instance() const {
    return tensor_parallel * pipeline_parallel * data_parallel;
  }
  Parallelism parallelism() const {
    return {tensor_parallel, pipeline_parallel, data_parallel, expert_parallel};
  }
  /// Of an instance of a machine: the servers that so many of its GPUs, from that one on, are in.
  ServerSpan servers_of(std::uint32_t instance, std::uint32_t gpu, std::uint32_t gpus) const {
    const std::uint32_t first = first_gpu + instance * gpus_per_instance() + gpu;
    return {first / machine.linked_gpus, (first + gpus - 1) / machine.linked_gpus};
  }
  BatchingSite batching_site() const { return {machine.gpu, data_parallel}; }
  std::uint32_t gpus_used() const { return gpus_per_instance() * instances_per_machine; }
  /// Of an instance's GPUs, all of it.
  double memory_bytes() const { return machine.gpu.memory_bytes * gpus_per_instance(); }
  GpuShare gpu_share() const {
    return {tensor_parallel, pipeline_parallel, instances_per_machine, machine_share,
            data_parallel};
  }
  /// Of its own, or its share of those of several pools.
  double machines() const { return borrows_machines_of ? 0 : count * machine_share; }
};

struct SchedulerSpec {
  Schedulers::Choice policy;
  bool output_length_known = false;  ///< else the mean of the requests completed so far
};

/// KV memory behind that of the GPUs. Where nothing is said, the machine's profile knows.
struct TierSpec {
  Tier tier = Tier::kHost;
  std::optional<double> bytes;              ///< of a machine; of a store, all of it
  std::optional<double> bytes_per_s;        ///< host: of each GPU; disk: of a machine; both ways
  std::optional<double> write_bytes_per_s;  ///< where writing is not as fast
  double latency_s = 0;
  bool write_back = false;
};

/// Where nothing is said, the batching policy knows what its engine does.
struct KvCacheSpec {
  std::optional<double> memory_fraction;  ///< of the GPUs' memory, for weights and KV caches
  std::optional<double> watermark;  ///< share of the KV memory that what starts here leaves free
  std::optional<std::uint32_t> block_tokens;
  std::optional<std::uint64_t> blocks;  ///< per instance, for those who know the engine's number
  bool prefix_caching = false;          ///< blocks that are computed once are used by others, too
  std::vector<TierSpec> tiers;          ///< behind them
};

/// Who waits in front on an instance: who came first, whose priority is the lowest number, or who
/// has the least time left until the first token is due.
enum class QueueOrder : std::uint8_t { kArrival, kPriority, kSlack };

struct BatchingSpec {
  BatchingPolicies::Choice policy;
  MemoryPolicies::Choice memory;  ///< unless the policy has its own
  /// An iteration of prompts and decodes takes so many times a prefill of all its tokens; without,
  /// what its parts take.
  std::optional<double> mixed_iteration_factor;
  QueueOrder queue_order = QueueOrder::kArrival;
  bool mixed_at_least_decode = true;  ///< with a factor: never less than its decodes alone
  /// Decode batches that run as captured graphs, ascending; none: the latency model's own.
  std::vector<std::uint32_t> cuda_graph_sizes;
  double eager_s = 0;  ///< longer without a graph
  Speculation speculation;
};

struct KvTransferSpec {
  TransferPolicies::Choice policy;
  Admissions::Choice admission;
  std::optional<double> sync_s;  ///< of a transfer layer by layer; default: the machine profile's
  double prompt_slowdown = 0;    ///< of a prompt phase during which layers leave, as a share
};

/// How many machines are on, and how they come up.
struct ScalingSpec {
  ScalingPolicies::Choice policy;     ///< "none" where the scenario does not say
  bool weights_from_network = false;  ///< from a store, else from the machine's own disk
  std::optional<double> bytes_per_s;  ///< of the store, or of a machine's disk
  double warm_up_s = 0;
  bool drains_by_moving = false;  ///< sequences leave instances that drain, with their caches
  bool on() const { return policy.name != "none"; }
};

/// Something that happens to a machine or a link at a given time.
struct FaultSpec {
  enum class Action : std::uint8_t { kStop, kStart, kDrain, kSlow, kScaleLink, kFail };
  double at_s = 0;
  Action action = Action::kStop;
  std::uint32_t machine = 0;  ///< over all pools, from 0
  std::string link;
  /// kStart and kFail: seconds to load the weights; kSlow: how many times slower; kScaleLink: share
  /// of the bandwidth left.
  double amount = 0;
  // kFail: from at_s on the machine stops at random, and comes back.
  double mean_up_s = 0;  ///< of an exponential distribution
  double repair_s = 0;
  std::uint64_t seed = 0;
};

/// What the cluster draws is held against, and what energy costs. Numbers can change over time.
struct PowerSpec {
  double budget_w = 0;                 ///< 0: none
  std::optional<SlowedFirst> enforce;  ///< without, the budget is only looked at
  double least_cap = 0.4;              ///< that GPUs are lowered to, as a share of TDP
  /// Of the building for each J of the machines.
  TimedValues pue{1};
  std::optional<TimedValues> usd_per_kwh;
  std::optional<TimedValues> g_co2_per_kwh;
};

/// One latency objective: this percentile of this metric at most this much.
struct SloLimit {
  std::string metric;     ///< "ttft", "tpot", "itl", "e2e"
  double percentile = 0;  ///< 50 for "p50"
  double limit = 0;       ///< seconds, or a slowdown
  bool slowdown = false;  ///< against an uncontended reference machine
};
struct SloSpec {
  std::string name;   ///< of the profile; "custom" for one written in the scenario, "" for none
  Machine reference;  ///< of the slowdowns
  std::vector<SloLimit> limits;
};

/// A kind of request, with promises of its own. Where a scenario has none, all are of one kind.
struct ClassSpec {
  std::string name;
  std::size_t llm = 0;  ///< that it asks for, of Scenario::llms
  SloSpec slo;
  std::optional<double> ttft_limit_s;  ///< the SLO's, of the highest percentile
  bool sheds_late = false;             ///< who still waits when the first token is due is sent away
  std::optional<double> most_rps;      ///< that are let in: a bucket that fills so fast,
  double burst = 1;                    ///< and holds so many
};

struct ResultsSpec {
  /// Requests that arrive before are not measured; without, it is found from the run itself.
  std::optional<double> warmup_s;
  bool tpot_per_token = false;  ///< TPOT divided by output tokens, not gaps: as published
};

/// One run, fully determined. Made by read_scenario(); `document` is the resolved JSON that
/// gives the same run again.
struct Scenario {
  Json document;
  /// That are served, in the order of the pools, those of one LLM side by side; with the sizes of
  /// weights and KV cache that the scenario asks for.
  std::vector<Llm> llms;
  std::string latency_policy;
  std::optional<EngineProfile> engine;           ///< latency.engine, or the one that batching is of
  bool engine_named = false;                     ///< latency.engine
  ExpertSkew expert_skew;                        ///< of the step model
  std::vector<LatencyProfile> latency_profiles;  ///< looked up before the built-in ones
  Workload workload;
  std::vector<PoolSpec> pools;
  SchedulerSpec scheduler;
  KvCacheSpec kv_cache;
  BatchingSpec batching;
  KvTransferSpec kv_transfer;
  Fabrics::Choice fabric;
  std::vector<FaultSpec> faults;  ///< by time
  ScalingSpec scaling;
  std::vector<ClassSpec> classes;
  SloSpec slo;
  PowerSpec power;
  ResultsSpec results;

  const Llm& llm_of(const PoolSpec& pool) const { return llms[pool.llm]; }
  /// The LLM that a request of this class asks for.
  std::size_t llm_asked(std::uint32_t traffic_class) const {
    return classes.empty() ? 0 : classes[traffic_class].llm;
  }
};

}  // namespace cleave
