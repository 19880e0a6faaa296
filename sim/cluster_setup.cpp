#include <algorithm>

#include "sim/cluster.h"
#include "sim/scenario/pool_latency.h"

namespace cleave {

void Cluster::build() {
  const Llm& llm = scenario_.llm;
  kv_bytes_per_token_ = llm.kv_bytes_per_token;
  const std::size_t pools = scenario_.pools.size();
  kinds_.resize(pools);
  for (std::size_t pool = 0; pool < pools; ++pool) {
    const PoolSpec& spec = scenario_.pools[pool];
    latencies_.push_back(pool_latency(scenario_, pool));
    memories_.push_back(
        MemoryPolicies::make("batching.memory", "memory policy", scenario_.batching.memory));
    InstanceKind& kind = kinds_[pool];
    kind.latency = latencies_.back().get();
    kind.memory = memories_.back().get();
    kind.batching = scenario_.batching;
    kind.capacity_tokens = scenario_.kv_capacity_tokens(spec);
    kind.watermark_tokens = static_cast<std::int64_t>(scenario_.kv_cache.watermark *
                                                      static_cast<double>(kind.capacity_tokens));
    kind.weight_bytes = llm.weight_bytes;
    kind.kv_bytes_per_token = kv_bytes_per_token_ * llm.kv_copies(spec.tensor_parallel);
    kind.decode.resize(scenario_.batching.max_sequences + std::size_t{1});
    for (std::uint32_t n = 1; n < kind.decode.size(); ++n) kind.decode[n] = kind.latency->decode(n);
    const double kv_sync_s = scenario_.kv_transfer.sync_s.value_or(spec.machine.kv_sync_s);
    for (std::uint32_t i = 0; i < spec.instances(); ++i) {
      const std::uint32_t machine = spec.machine_of(i);
      endpoints_.push_back({machine, static_cast<double>(spec.machine.nic_count),
                            spec.machine.nic_bytes_per_s,
                            spec.machine.gpu.link_bytes_per_s * spec.tensor_parallel, kv_sync_s});
      InstanceLoad load;
      load.home = spec.role;
      load.machine = machine;
      load.capacity_tokens = kind.capacity_tokens;
      loads_.push_back(load);
    }
  }
  instances_.reserve(loads_.size());
  for (std::size_t pool = 0; pool < pools; ++pool) {
    const PoolSpec& spec = scenario_.pools[pool];
    for (std::uint32_t i = 0; i < spec.instances(); ++i) {
      const auto id = static_cast<InstanceId>(instances_.size());
      instances_.emplace_back(id, kinds_[pool], engine_, requests_, *this, observer_);
    }
    largest_capacity_tokens_ = std::max(largest_capacity_tokens_, kinds_[pool].capacity_tokens);
  }
  JsonReader settings(scenario_.document["scheduler"], "scheduler");
  scheduler_ = Schedulers::make("scheduler.policy", "scheduler", scenario_.scheduler.policy, *this,
                                settings);
  const auto make_fabric = [this](TransferListener& listener) {
    JsonReader fabric(scenario_.fabric.settings, "fabric");
    return Fabrics::make(
        "fabric.topology", "topology", scenario_.fabric.topology, fabric,
        FabricContext{engine_, listener, endpoints_, scheduler_->transfer_speedup()});
  };
  transfers_ = std::make_unique<KvTransfers>(scenario_, endpoints_, make_fabric, engine_, requests_,
                                             instances_, *this, observer_);
  for (InstanceKind& kind : kinds_) {
    kind.transfer = &transfers_->policy();
    kind.prompt_slowdown = scenario_.kv_transfer.prompt_slowdown;
  }
}

}  // namespace cleave
