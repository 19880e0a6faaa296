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
    pools.push_back({pool.llm, pool.role, pool.count, pool.instances_per_machine, pool.least_on,
                     pool.on_at_start, pool.borrows_machines_of});
  }
  start_up_.emplace(std::move(kinds), weights_store_, engine_, *fabric_, *this);
  if (!scaling.on()) return;
  capacity_.emplace(std::move(carrying));
  const std::vector<std::optional<double>> limits = tpot_limits_s();
  scaler_.emplace(pools, scaling.policy.make, *capacity_, limits, engine_, *this);
  hindsight_.emplace(pools, *capacity_, limits);
}

// The limit of the lowest percentile: what most requests must keep.
std::optional<double> Cluster::tpot_limit_s(const SloSpec& slo, std::size_t llm) const {
  const SloLimit* found = nullptr;
  for (const SloLimit& limit : slo.limits) {
    if (limit.metric == "tpot" && (found == nullptr || limit.percentile < found->percentile)) {
      found = &limit;
    }
  }
  if (found == nullptr) return {};
  if (!found->slowdown) return found->limit;
  constexpr std::int64_t kShort = 1024;
  return found->limit * decode_s(*reference_latency(scenario_, slo, llm), 1, kShort);
}

// By LLM; of several classes the least.
std::vector<std::optional<double>> Cluster::tpot_limits_s() const {
  std::vector<std::optional<double>> limits(scenario_.llms.size());
  if (scenario_.classes.empty()) limits.front() = tpot_limit_s(scenario_.slo, 0);
  for (const ClassSpec& each : scenario_.classes) {
    std::optional<double>& limit = limits[each.llm];
    const std::optional<double> own = tpot_limit_s(each.slo, each.llm);
    if (own && (!limit || *own < *limit)) limit = own;
  }
  return limits;
}

std::uint64_t Cluster::stranded(std::size_t llm) const {
  return static_cast<std::uint64_t>(
      std::count_if(stranded_.begin(), stranded_.end(), [&](RequestId request) {
        return scenario_.llm_asked(requests_[request].record.traffic_class) == llm;
      }));
}

bool Cluster::stuck() const {
  constexpr double kPatienceS = 24.0 * 3600;
  return arrival_ == kNoEvent && engine_.now() - last_progress_s_ > kPatienceS;
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
  fleet_of(id).home_changed(id);
  moved(id, role);
}

}  // namespace cleave
