#include "models/latency/power.h"

#include <cmath>

#include "models/latency/roofline.h"
#include "sim/cluster.h"

namespace cleave {

void Cluster::schedule_caps() {
  bool changes = scenario_.power.enforce.has_value();
  for (const PoolSpec& pool : scenario_.pools) changes |= pool.power_caps.has_value();
  if (!changes) return;
  for (const PoolSpec& pool : scenario_.pools) {
    const PowerModel power(scenario_.llm_of(pool), pool.machine, pool.gpu_share(),
                           scenario_.latency_profiles);
    capped_.push_back({pool.role, 0, power.base_w(), power.gpu_w(), pool.machine.power_cap,
                       power.decode_share(), (power.idle_w() - power.base_w()) / power.gpu_w()});
  }
  cap_changes(0);
}

// At the times at which the scenario changes a cap.
void Cluster::cap_changes(std::uint64_t) {
  if (cap_change_ != kNoEvent) engine_.only_watches(-1);
  cap_change_ = kNoEvent;
  const bool begins = engine_.now() == 0;
  if (!begins && engine_.at_rest_but_for(0) && !unblock()) return;
  double next_s = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < capped_.size(); ++i) {
    const PoolSpec& pool = scenario_.pools[i];
    if (!pool.power_caps) continue;
    capped_[i].own_cap = pool.power_caps->at(engine_.now());
    next_s = std::min(next_s, pool.power_caps->next_s(engine_.now()));
  }
  if (std::isfinite(next_s)) {
    cap_change_ = engine_.at<&Cluster::cap_changes>(next_s, this);
    engine_.only_watches(1);
  }
  set_caps();
}

void Cluster::set_caps() {
  if (capped_.empty()) return;
  InstanceId id = 0;
  for (std::size_t i = 0; i < capped_.size(); ++i) {
    capped_[i].on = 0;
    for (std::uint32_t k = 0; k < scenario_.pools[i].instances(); ++k, ++id) {
      capped_[i].on += loads_[id].status != InstanceStatus::kOff ? 1 : 0;
    }
  }
  std::vector<double> caps;
  for (const CappedPool& pool : capped_) caps.push_back(pool.own_cap);
  if (scenario_.power.enforce) {
    caps = power_caps(capped_, scenario_.power.budget_w, *scenario_.power.enforce,
                      scenario_.power.least_cap);
  }
  static const Roofline roofline = load_roofline();
  id = 0;
  for (std::size_t i = 0; i < capped_.size(); ++i) {
    // The pool's latencies know of the cap of its machines.
    const double known = scenario_.pools[i].machine.power_cap;
    const double prompts =
        roofline.prompt_cap_slowdown(caps[i]) / roofline.prompt_cap_slowdown(known);
    const double decodes =
        roofline.decode_cap_slowdown(caps[i]) / roofline.decode_cap_slowdown(known);
    for (std::uint32_t k = 0; k < scenario_.pools[i].instances(); ++k, ++id) {
      instances_[id].set_cap(caps[i], prompts, decodes);
    }
  }
}

}  // namespace cleave
