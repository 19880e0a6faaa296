#include "sim/scaling/scaler.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace cleave {

namespace {

/// Where nothing is left to happen but looks, a policy may still want something in so long a time.
constexpr double kPatienceS = 24.0 * 3600;

ScalingContext context_of(const std::vector<ScalerPool>& pools, const PoolCapacity& capacity,
                          std::optional<double> tpot_limit_s) {
  ScalingContext context{{}, capacity, tpot_limit_s};
  for (const ScalerPool& pool : pools) {
    context.pools.push_back(
        {pool.role, pool.machines, pool.least, pool.at_start, 0, 0, pool.instances_per_machine});
  }
  return context;
}

}  // namespace

Scaler::Scaler(const std::vector<ScalerPool>& pools, const ScalingPolicies::Make& policy,
               const PoolCapacity& capacity, std::optional<double> tpot_limit_s, Clock& clock,
               ScalerClient& client)
    : clock_(clock),
      client_(client),
      policy_(policy(context_of(pools, capacity, tpot_limit_s))),
      traffic_(policy_->percentile()) {
  InstanceId next = 0;
  for (const ScalerPool& spec : pools) {
    Pool pool{spec, {}};
    for (std::uint32_t i = 0; i < spec.machines; ++i) {
      pool.machines.push_back({next, spec.instances_per_machine, spec.role});
      next += spec.instances_per_machine;
    }
    pools_.push_back(std::move(pool));
    sizes_.push_back({spec.at_start, 0});
  }
}

void Scaler::begin() {
  for (const Pool& pool : pools_) {
    for (std::size_t i = pool.spec.at_start; i < pool.machines.size(); ++i) {
      const Machine& machine = pool.machines[i];
      for (std::uint32_t k = 0; k < machine.instances; ++k) client_.turn_off(machine.first + k);
    }
  }
  schedule(policy_->first_s());
}

void Scaler::end() {
  if (next_ == kNoEvent) return;
  clock_.cancel(next_);
  clock_.only_watches(-1);
}

void Scaler::out_of_service(InstanceId instance, bool out) {
  for (Pool& pool : pools_) {
    for (Machine& machine : pool.machines) {
      if (instance >= machine.first && instance < machine.first + machine.instances)
        machine.out = out;
    }
  }
}

void Scaler::schedule(double time_s) {
  if (!std::isfinite(time_s)) return;
  next_ = clock_.at<&Scaler::look>(std::max(time_s, clock_.now()), this);
  clock_.only_watches(1);
}

void Scaler::look(std::uint64_t) {
  next_ = kNoEvent;
  clock_.only_watches(-1);
  const bool at_rest = clock_.at_rest_but_for(0);
  if (at_rest && !at_rest_) at_rest_since_s_ = clock_.now();
  at_rest_ = at_rest && !client_.unblock();
  const ScalingView seen = view();
  policy_->decide(seen, sizes_);
  apply();
  if (at_rest_ && clock_.now() - at_rest_since_s_ > kPatienceS) return;
  schedule(policy_->next_s(clock_.now()));
}

// What is wanted, as far as there is so much.
void Scaler::apply() {
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    const ScaledPool pool = seen_pool(pools_[i]);
    const std::uint32_t machines =
        std::clamp(sizes_[i].machines, std::min(pool.least, pool.machines), pool.machines);
    resize(pools_[i], machines);
    lend(pools_[i], std::min(sizes_[i].lent, machines));
  }
}

ScalingView Scaler::view() {
  ScalingView seen;
  seen.now_s = clock_.now();
  for (const Pool& pool : pools_) seen.pools.push_back(seen_pool(pool));
  std::array<double, 3> reserved{};
  std::array<double, 3> capacity{};
  const std::vector<InstanceLoad>& loads = client_.loads();
  for (InstanceId id = 0; id < loads.size(); ++id) {
    const InstanceLoad& load = loads[id];
    const auto role = static_cast<std::size_t>(load.home);
    ScaledSide& side = seen.sides[role];
    side.loading += load.status == InstanceStatus::kLoading ? 1 : 0;
    if (!load.up()) continue;
    ++side.up;
    side.queued += client_.queued(id);
    side.pending_tokens += load.pending_tokens;
    reserved[role] += static_cast<double>(load.reserved_tokens);
    capacity[role] += static_cast<double>(load.capacity_tokens);
  }
  for (std::size_t role = 0; role < seen.sides.size(); ++role) {
    if (capacity[role] > 0) seen.sides[role].reserved_share = reserved[role] / capacity[role];
  }
  seen.traffic = traffic_.take(clock_.now());
  seen.stranded = client_.stranded();
  return seen;
}

ScaledPool Scaler::seen_pool(const Pool& pool) const {
  ScaledPool seen;
  seen.role = pool.spec.role;
  seen.least = pool.spec.least;
  seen.instances_per_machine = pool.spec.instances_per_machine;
  for (const Machine& machine : pool.machines) {
    seen.machines += machine.out ? 0 : 1;
    if (machine.out || !is_on(machine)) continue;
    ++seen.on;
    seen.loading += is(machine, InstanceStatus::kLoading) ? 1 : 0;
    seen.lent += lent(machine) ? 1 : 0;
  }
  return seen;
}

void Scaler::resize(Pool& pool, std::uint32_t wanted) {
  std::vector<const Machine*> on;
  std::vector<const Machine*> others;
  for (const Machine& machine : pool.machines) {
    if (!machine.out) (is_on(machine) ? on : others).push_back(&machine);
  }
  if (on.size() < wanted) {
    std::stable_sort(others.begin(), others.end(), [&](const Machine* a, const Machine* b) {
      return is(*a, InstanceStatus::kDraining) > is(*b, InstanceStatus::kDraining);
    });
    for (std::size_t i = 0; i < wanted - on.size(); ++i) turn(*others[i], true);
    return;
  }
  const auto cost = [&](const Machine* machine) {
    return std::tuple(!is(*machine, InstanceStatus::kLoading), assigned(*machine));
  };
  std::reverse(on.begin(), on.end());
  std::stable_sort(on.begin(), on.end(),
                   [&](const Machine* a, const Machine* b) { return cost(a) < cost(b); });
  for (std::size_t i = 0; i < on.size() - wanted; ++i) turn(*on[i], false);
}

// Those with the least to do change sides.
void Scaler::lend(Pool& pool, std::uint32_t wanted) {
  std::vector<Machine*> away;
  std::vector<Machine*> here;
  for (Machine& machine : pool.machines) {
    if (!machine.out && is_on(machine)) (lent(machine) ? away : here).push_back(&machine);
  }
  const bool go = away.size() < wanted;
  std::vector<Machine*>& from = go ? here : away;
  std::stable_sort(from.begin(), from.end(),
                   [&](const Machine* a, const Machine* b) { return assigned(*a) < assigned(*b); });
  const std::size_t count = go ? std::min(wanted - away.size(), here.size()) : away.size() - wanted;
  for (std::size_t i = 0; i < count; ++i) {
    const PoolRole other =
        pool.spec.role == PoolRole::kPrompt ? PoolRole::kToken : PoolRole::kPrompt;
    for (std::uint32_t k = 0; k < from[i]->instances; ++k) {
      client_.lend(from[i]->first + k, go ? other : pool.spec.role);
    }
  }
}

bool Scaler::is(const Machine& machine, InstanceStatus status) const {
  return client_.loads()[machine.first].status == status;
}

bool Scaler::is_on(const Machine& machine) const {
  return is(machine, InstanceStatus::kUp) || is(machine, InstanceStatus::kLoading);
}

bool Scaler::lent(const Machine& machine) const {
  return client_.loads()[machine.first].home != machine.home;
}

std::int64_t Scaler::assigned(const Machine& machine) const {
  std::int64_t sum = 0;
  for (std::uint32_t k = 0; k < machine.instances; ++k) {
    sum += client_.loads()[machine.first + k].reserved_tokens;
  }
  return sum;
}

void Scaler::turn(const Machine& machine, bool on) {
  for (std::uint32_t k = 0; k < machine.instances; ++k) {
    if (on) {
      client_.turn_on(machine.first + k);
    } else {
      client_.turn_down(machine.first + k);
    }
  }
}

}  // namespace cleave
