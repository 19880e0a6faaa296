#include "sim/metrics/scaling_use.h"

#include "sim/metrics/ratio.h"

namespace cleave {

namespace {

constexpr double kHourS = 3600;

}  // namespace

ScalingLog::ScalingLog(const Scenario& scenario) : policy_(scenario.scaling.policy.name) {
  for (std::size_t pool = 0; pool < scenario.pools.size(); ++pool) {
    const PoolSpec& spec = scenario.pools[pool];
    for (std::uint32_t i = 0; i < spec.instances(); ++i) {
      if (i % spec.instances_per_machine == 0) {
        if (!spec.borrows_machines_of) ++own_machines_;
        machines_.push_back({pool, static_cast<InstanceId>(statuses_.size()),
                             spec.instances_per_machine, spec.instances_per_machine});
      }
      machine_of_.push_back(static_cast<std::uint32_t>(machines_.size() - 1));
      statuses_.push_back(InstanceStatus::kUp);
      sides_.push_back(spec.role);
    }
  }
  pools_.resize(scenario.pools.size());
}

void ScalingLog::status_changed(InstanceId instance, double time_s, InstanceStatus status) {
  const bool was_on = statuses_[instance] != InstanceStatus::kOff;
  const bool on = status != InstanceStatus::kOff;
  const bool was_loading = statuses_[instance] == InstanceStatus::kLoading;
  const bool was_draining = statuses_[instance] == InstanceStatus::kDraining;
  statuses_[instance] = status;
  Machine& machine = machines_[machine_of_[instance]];
  const bool first = instance == machine.first;
  if (first && (status == InstanceStatus::kDraining || (was_loading && !on))) {
    if (time_s > 0) went(machine.pool, time_s, Way::kDown);
  }
  if (first && ((!was_on && on) || (was_draining && on))) went(machine.pool, time_s, Way::kUp);
  if (was_on == on) return;
  const std::uint32_t before = machine.on;
  machine.on += on ? 1 : -1;
  if (before == 0) {
    machine.since_s = time_s;
    ++starts_;
  } else if (machine.on == 0) {
    machine.on_s += time_s - machine.since_s;
    if (time_s > 0) ++stops_;
  }
}

// What happens at one time is one change of size.
void ScalingLog::went(std::size_t index, double time_s, Way way) {
  Pool& pool = pools_[index];
  if (pool.last != Way::kNone && pool.last != way && pool.last_s < time_s) ++reversals_;
  pool.last = way;
  pool.last_s = time_s;
}

void ScalingLog::pool_changed(InstanceId instance, PoolRole role) {
  if (role == PoolRole::kMixed || role == sides_[instance]) return;
  sides_[instance] = role;
  ++side_changes_;
}

void ScalingLog::end(double end_s) {
  end_s_ = end_s;
  for (Machine& machine : machines_) {
    if (machine.on > 0) machine.on_s += end_s - machine.since_s;
  }
}

double ScalingLog::machine_hours() const {
  double sum_s = 0;
  for (const Machine& machine : machines_) sum_s += machine.on_s;
  return sum_s / kHourS;
}

const FigureTable<ScalingUse>& ScalingUse::figures() {
  using S = ScalingUse;
  static const FigureTable<S> table{
      {"policy", "", "as in the scenario", [](const S& s) { return s.log.policy_; }},
      {"machine_hours", "h", "machine_hours", better::less(),
       "in which machines were on: loading, up or draining",
       [](const S& s) { return s.log.machine_hours(); }},
      {"machine_hours_of_all", "h", "machine_hours_of_all", better::neither(),
       "if all machines were on all the time",
       [](const S& s) { return static_cast<double>(s.log.own_machines_) * s.log.end_s_ / kHourS; }},
      {"hindsight_machine_hours", "h", "hindsight_machine_hours", better::neither(),
       "if in each five minutes so many had been on, at no notice, as carry the requests that "
       "arrived in them: by the capacity that policy `planner` goes by, without headroom; an "
       "estimate, "
       "not a bound, as it knows mean lengths and no queues",
       [](const S& s) { return s.hindsight_machine_hours; }},
      {"on_share", "fraction", "machines_on_share", better::neither(),
       "`machine_hours` / `machine_hours_of_all`",
       [](const S& s) {
         return per(s.log.machine_hours() * kHourS,
                    static_cast<double>(s.log.own_machines_) * s.log.end_s_);
       }},
      {"starts", "", "scaling_starts", better::less(), "times a machine was turned on",
       [](const S& s) { return s.log.starts_; }},
      {"stops", "", "scaling_stops", better::less(), "times a machine went off",
       [](const S& s) { return s.log.stops_; }},
      {"reversals", "", "scaling_reversals", better::less(),
       "times a pool grew after it had shrunk, or shrank after it had grown",
       [](const S& s) { return s.log.reversals_; }},
      {"reversals_per_hour", "1/h", "scaling_reversals_per_hour", better::less(),
       "the same, of an hour; a policy that oscillates has many",
       [](const S& s) {
         return per(static_cast<double>(s.log.reversals_) * kHourS, s.log.end_s_);
       }},
      {"side_changes", "", "scaling_side_changes", better::less(),
       "times an instance went to the other side of a split cluster, or back",
       [](const S& s) { return s.log.side_changes_; }}};
  return table;
}

}  // namespace cleave
