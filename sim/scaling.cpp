#include "sim/scenario/scaling.h"

#include <algorithm>
#include <cmath>

#include "sim/cluster.h"
#include "sim/scenario/pool_latency.h"

namespace cleave {

void Cluster::build_scaler() {
  std::vector<StartUpKind> kinds;
  std::vector<CarryingInstance> carrying;
  std::vector<ScalerPool> pools;
  const ScalingSpec& scaling = scenario_.scaling;
  for (std::size_t i = 0; i < scenario_.pools.size(); ++i) {
    const PoolSpec& pool = scenario_.pools[i];
    const StartUpKind kind{kinds_[i].memory.weight_bytes, weights_disk_bytes_per_s(scenario_, i),
                           scaling.warm_up_s};
    kinds.insert(kinds.end(), pool.instances(), kind);
    carrying.push_back({pool.role, latencies_[i].get(), pool.limits, pool.kv.capacity_tokens,
                        pool.instances_per_machine, kind.alone_s(scaling.bytes_per_s.value_or(0))});
    pools.push_back(
        {pool.role, pool.count, pool.instances_per_machine, pool.least_on, pool.on_at_start});
  }
  start_up_.emplace(std::move(kinds), weights_store_, engine_, *fabric_, *this);
  if (!scaling.on()) return;
  capacity_.emplace(std::move(carrying));
  scaler_.emplace(pools, scaling.policy.make, *capacity_, tpot_limit_s(), engine_, *this);
}

// The limit of the lowest percentile: what most requests must keep.
std::optional<double> Cluster::tpot_limit_s() const {
  const SloLimit* found = nullptr;
  for (const SloLimit& limit : scenario_.slo.limits) {
    if (limit.metric == "tpot" && (found == nullptr || limit.percentile < found->percentile)) {
      found = &limit;
    }
  }
  if (found == nullptr) return {};
  if (!found->slowdown) return found->limit;
  constexpr std::int64_t kShort = 1024;
  return found->limit * decode_s(*reference_latency(scenario_, scenario_.slo), 1, kShort);
}

void Cluster::turn_off(InstanceId id) { set_status(id, InstanceStatus::kOff); }

void Cluster::turn_on(InstanceId id) {
  if (loads_[id].status == InstanceStatus::kDraining) {
    set_status(id, InstanceStatus::kUp);
    begin_stranded();
  } else if (loads_[id].status == InstanceStatus::kOff) {
    empty_caches(id);
    set_status(id, InstanceStatus::kLoading);
    start_up_->begin(id);
  }
}

void Cluster::turn_down(InstanceId id) { drain(id); }

void Cluster::lend(InstanceId id, PoolRole role) {
  loads_[id].home = role;
  scheduler_->home_changed(id);
  moved(id, role);
}

}  // namespace cleave
