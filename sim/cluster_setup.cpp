#include "sim/cluster.h"

namespace cleave {

void Cluster::build() {
  const Llm& llm = scenario_.llm;
  kv_bytes_per_token_ = llm.kv_bytes_per_token;
  const std::size_t pools = scenario_.pools.size();
  kinds_.resize(pools);
  for (std::size_t pool = 0; pool < pools; ++pool) {
    const PoolSpec& spec = scenario_.pools[pool];
    const std::string place = "pools[" + std::to_string(pool) + "]";
    latencies_.push_back(
        LatencyPolicies::make("latency.policy", "latency policy", scenario_.latency_policy,
                              InstanceDescription{llm, spec.machine, spec.tensor_parallel,
                                                  scenario_.latency_profiles, place}));
    memories_.push_back(
        MemoryPolicies::make("batching.memory", "memory policy", scenario_.batching.memory));
    InstanceKind& kind = kinds_[pool];
    kind.latency = latencies_.back().get();
    kind.memory = memories_.back().get();
    kind.batching = scenario_.batching;
    kind.capacity_bytes = spec.machine.gpu.memory_bytes * spec.tensor_parallel;
    kind.weight_bytes = llm.weight_bytes;
    kind.kv_bytes_per_token = kv_bytes_per_token_;
    kind.decode.resize(scenario_.batching.max_sequences + std::size_t{1});
    for (std::uint32_t n = 1; n < kind.decode.size(); ++n) kind.decode[n] = kind.latency->decode(n);
    const double kv_sync_s = scenario_.kv_transfer.sync_s.value_or(spec.machine.kv_sync_s);
    for (std::uint32_t i = 0; i < spec.instances(); ++i) {
      const std::uint32_t machine = spec.machine_of(i);
      endpoints_.push_back({machine, static_cast<double>(spec.machine.nic_count),
                            spec.machine.nic_bps, spec.machine.gpu.link_bps * spec.tensor_parallel,
                            kv_sync_s});
      InstanceLoad load;
      load.home = spec.role;
      load.machine = machine;
      load.capacity_tokens = (kind.capacity_bytes - kind.weight_bytes) / kind.kv_bytes_per_token;
      loads_.push_back(load);
    }
  }
  instances_.reserve(loads_.size());
  for (std::size_t pool = 0; pool < pools; ++pool) {
    const PoolSpec& spec = scenario_.pools[pool];
    for (std::uint32_t i = 0; i < spec.instances(); ++i) {
      const auto id = static_cast<InstanceId>(instances_.size());
      instances_.emplace_back(id, kinds_[pool], engine_, requests_, *this, observer_);
      if (largest_ == kNoInstance ||
          instances_[id].capacity_tokens() > instances_[largest_].capacity_tokens()) {
        largest_ = id;
      }
    }
  }
  scheduler_ = Schedulers::make("scheduler.policy", "scheduler", scenario_.scheduler.policy, *this,
                                scenario_.scheduler);
  transfers_ = std::make_unique<KvTransfers>(scenario_, endpoints_, kv_bytes_per_token_,
                                             scheduler_->transfer_speedup(), engine_, requests_,
                                             instances_, *this, observer_);
  for (InstanceKind& kind : kinds_) {
    kind.transfer = &transfers_->policy();
    kind.prompt_slowdown = scenario_.kv_transfer.prompt_slowdown;
  }
}

}  // namespace cleave
