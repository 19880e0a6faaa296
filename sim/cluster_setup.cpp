#include <algorithm>

#include "sim/cluster.h"
#include "sim/machine/state_memory.h"
#include "sim/scenario/pool_latency.h"

namespace cleave {

namespace {

/// The servers that an instance of a machine is on, and among which its stages exchange.
void set_servers(const PoolSpec& pool, std::uint32_t instance, const Llm& llm, Endpoint& endpoint) {
  endpoint.servers = pool.machine.servers();
  endpoint.on = pool.servers_of(instance, 0, pool.gpus_per_instance());
  endpoint.all_to_all = pool.data_parallel > 1 && llm.experts > 1;
  const std::uint32_t stage_gpus = pool.parallelism().stage_gpus();
  if ((endpoint.all_to_all ? stage_gpus : pool.tensor_parallel) <= pool.machine.linked_gpus) return;
  for (std::uint32_t stage = 0; stage < pool.pipeline_parallel; ++stage) {
    endpoint.exchanges.push_back(pool.servers_of(instance, stage * stage_gpus, stage_gpus));
  }
}

}  // namespace

void Cluster::build() {
  for (std::size_t pool = 0; pool < scenario_.pools.size(); ++pool) build_kind(pool);
  build_fleets();
  const bool has_tiers = !scenario_.kv_cache.tiers.empty();
  InstanceId kv_store = kNoInstance;
  if (has_tiers && scenario_.kv_cache.tiers.back().tier == Tier::kStore) {
    kv_store = add_store("store", scenario_.pools.front().tiers.back().read_bytes_per_s);
  }
  if (scenario_.scaling.on() && scenario_.scaling.weights_from_network) {
    weights_store_ = add_store("weights", *scenario_.scaling.bytes_per_s);
  }
  build_fabric();
  if (has_tiers) build_tiers(kv_store);
  instances_.reserve(loads_.size());
  for (std::size_t pool = 0; pool < scenario_.pools.size(); ++pool) {
    for (std::uint32_t i = 0; i < scenario_.pools[pool].instances(); ++i) {
      const auto id = static_cast<InstanceId>(instances_.size());
      instances_.emplace_back(id, kinds_[pool], engine_, requests_, *this, observer_);
    }
  }
  transfers_ = std::make_unique<KvTransfers>(
      KvTransferKind{scenario_.kv_transfer.policy.make, scenario_.kv_transfer.admission.make},
      endpoints_, engine_, requests_, instances_, *fabric_, *this, observer_);
  build_scaler();
}

void Cluster::build_fabric() {
  const FabricContext context{engine_, endpoints_, served_.front().fleet->transfer_speedup()};
  if (std::all_of(endpoints_.begin(), endpoints_.end(),
                  [](const Endpoint& endpoint) { return endpoint.servers == 1; })) {
    fabric_ = scenario_.fabric.make(context);
    return;
  }
  auto servers = std::make_unique<ServerFabric>(context, scenario_.fabric.make, *this);
  servers_ = servers.get();
  fabric_ = std::move(servers);
}

// Pools of one LLM stand side by side.
void Cluster::build_fleets() {
  served_.resize(scenario_.llms.size());
  for (std::size_t pool = 0; pool < scenario_.pools.size(); ++pool) {
    Served& served = served_[scenario_.pools[pool].llm];
    if (served.end_pool == 0) served.first_pool = pool;
    served.end_pool = pool + 1;
    served.frontend_s = std::max(served.frontend_s, kinds_[pool].latency->frontend_s());
  }
  InstanceId first = 0;
  for (Served& served : served_) {
    InstanceId count = 0;
    for (std::size_t pool = served.first_pool; pool < served.end_pool; ++pool) {
      count += scenario_.pools[pool].instances();
    }
    served.fleet = std::make_unique<Fleet>(*this, first, count, scenario_.scheduler.policy.make);
    first += count;
  }
}

// Behind the machines of all pools.
InstanceId Cluster::add_store(const std::string& name, double bytes_per_s) {
  Endpoint store;
  for (const Endpoint& endpoint : endpoints_) {
    store.machine = std::max(store.machine, endpoint.machine + 1);
  }
  store.nic_count = 1;
  store.nic_bytes_per_s = bytes_per_s;
  store.store = name;
  endpoints_.push_back(store);
  return static_cast<InstanceId>(endpoints_.size() - 1);
}

void Cluster::build_tiers(InstanceId store) {
  std::vector<TieredInstance> all;
  for (std::size_t pool = 0; pool < scenario_.pools.size(); ++pool) {
    for (std::uint32_t i = 0; i < scenario_.pools[pool].instances(); ++i) {
      all.push_back({endpoints_[all.size()].machine, scenario_.pools[pool].tiers});
    }
  }
  tiers_ = std::make_unique<KvTiers>(all, endpoints_.front().kv_block_tokens, store, engine_,
                                     requests_, instances_, *fabric_, observer_);
  for (InstanceKind& kind : kinds_) kind.memory.tiers = tiers_.get();
}

// What the instances of a pool have in common, and where each of them stands.
void Cluster::build_kind(std::size_t pool) {
  const PoolSpec& spec = scenario_.pools[pool];
  const Llm& llm = scenario_.llm_of(spec);
  latencies_.push_back(pool_latency(scenario_, pool));
  InstanceKind& kind = kinds_[pool];
  kind.latency = latencies_.back().get();
  const BatchingSpec& batching = scenario_.batching;
  kind.batching = [&batching, &spec] { return batching.policy.make(spec.batching_site()); };
  kind.speculation = batching.speculation;
  kind.by_rank = batching.queue_order != QueueOrder::kArrival;
  const auto policy = kind.batching();
  auto memory = policy->memory(
      {spec.kv.block_tokens, llm.window_tokens, llm.window_share(), spec.kv.state_tokens});
  if (!memory) memory = batching.memory.make();
  if (memory->growth().blocks.state_tokens < spec.kv.state_tokens) {
    memory = std::make_unique<StateMemory>(std::move(memory), spec.kv.state_tokens);
  }
  memories_.push_back(std::move(memory));
  can_deadlock_ |= policy->as_published() || memories_.back()->can_deadlock();
  longest_prompt_ = std::max(longest_prompt_, policy->limits().longest_prompt);
  kind.memory = {memories_.back().get(),
                 spec.kv.capacity_tokens,
                 spec.kv.watermark_tokens,
                 llm.stored_bytes(spec.data_parallel),
                 llm.kv_bytes_per_token * llm.kv_copies(spec.tensor_parallel),
                 scenario_.kv_cache.prefix_caching};
  const double kv_sync_s = scenario_.kv_transfer.sync_s.value_or(spec.machine.kv_sync_s);
  for (std::uint32_t i = 0; i < spec.instances(); ++i) {
    const std::uint32_t machine = spec.machine_of(i);
    endpoints_.push_back(
        {machine, static_cast<double>(spec.machine.nic_count), spec.machine.nic_bytes_per_s,
         spec.machine.gpu.link_bytes_per_s * spec.tensor_parallel, kv_sync_s, spec.kv.block_tokens,
         llm.kv_bytes_per_token, llm.kv_parts(), llm.kv_state_bytes});
    if (spec.machine.servers() > 1) {
      set_servers(spec, i % spec.instances_per_machine, llm, endpoints_.back());
    }
    InstanceLoad load;
    load.home = spec.role;
    load.machine = machine;
    load.capacity_tokens = spec.kv.capacity_tokens;
    loads_.push_back(load);
    llm_of_.push_back(static_cast<std::uint32_t>(spec.llm));
  }
}

}  // namespace cleave
