#include "sim/scaling/scaler.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace cleave {

namespace {

/// Where nothing is left to happen but looks, a policy may still want something in so long a time.
constexpr double kPatienceS = 24.0 * 3600;

ScalingContext context_of(const std::vector<ScalerPool>& pools, std::size_t llm,
                          const PoolCapacity& capacity, std::optional<double> tpot_limit_s) {
  ScalingContext context{{}, 0, pools.size(), capacity, tpot_limit_s};
  for (std::size_t i = 0; i < pools.size(); ++i) {
    const ScalerPool& pool = pools[i];
    if (pool.llm != llm) continue;
    if (context.pools.empty()) context.first_pool = i;
    context.pools.push_back(
        {pool.role, pool.machines, pool.least, pool.at_start, 0, 0, pool.instances_per_machine});
  }
  return context;
}

}  // namespace

Scaler::Scaler(const std::vector<ScalerPool>& pools, const ScalingPolicies::Make& policy,
               const PoolCapacity& capacity,
               const std::vector<std::optional<double>>& tpot_limits_s, Clock& clock,
               ScalerClient& client)
    : clock_(clock), client_(client) {
  InstanceId next = 0;
  for (const ScalerPool& spec : pools) {
    Pool pool{spec, {}, {spec.at_start, 0}, {}};
    for (std::uint32_t i = 0; i < spec.machines; ++i) {
      pool.machines.push_back({next, spec.instances_per_machine, spec.role});
      next += spec.instances_per_machine;
    }
    pools_.push_back(std::move(pool));
  }
  const auto owner = [&](std::size_t i) { return pools[i].borrows_from.value_or(i); };
  for (std::size_t i = 0; i < pools.size(); ++i) {
    for (std::size_t other = 0; other < pools.size(); ++other) {
      if (other != i && owner(other) == owner(i)) pools_[i].others.push_back(other);
    }
  }
  for (std::size_t llm = 0; llm < tpot_limits_s.size(); ++llm) {
    const ScalingContext context = context_of(pools, llm, capacity, tpot_limits_s[llm]);
    auto made = policy(context);
    TrafficMeter traffic(made->percentile());
    services_.push_back({context.first_pool, context.first_pool + context.pools.size(),
                         std::move(made), std::move(traffic)});
  }
}

void Scaler::begin() {
  for (const Pool& pool : pools_) {
    for (std::size_t i = pool.spec.at_start; i < pool.machines.size(); ++i) {
      const Machine& machine = pool.machines[i];
      for (std::uint32_t k = 0; k < machine.instances; ++k) client_.turn_off(machine.first + k);
    }
  }
  for (std::size_t llm = 0; llm < services_.size(); ++llm) {
    schedule(llm, services_[llm].policy->first_s());
  }
}

void Scaler::end() {
  for (Service& service : services_) {
    if (service.next == kNoEvent) continue;
    clock_.cancel(service.next);
    clock_.only_watches(-1);
  }
  clock_.cancel(later_);
  ended_ = true;
}

void Scaler::out_of_service(InstanceId instance, bool out) {
  for (Pool& pool : pools_) {
    for (Machine& machine : pool.machines) {
      if (instance >= machine.first && instance < machine.first + machine.instances)
        machine.out = out;
    }
  }
}

void Scaler::went_off() {
  if (waits_) apply_soon();
}

// Once for all that is decided and all that goes off at this time.
void Scaler::apply_soon() {
  if (ended_ || later_ != kNoEvent) return;
  later_ = clock_.at<&Scaler::apply_later>(clock_.now(), this);
}

void Scaler::apply_later(std::uint64_t) {
  later_ = kNoEvent;
  apply();
}

void Scaler::schedule(std::size_t llm, double time_s) {
  if (!std::isfinite(time_s)) return;
  services_[llm].next = clock_.at<&Scaler::look>(std::max(time_s, clock_.now()), this, llm);
  clock_.only_watches(1);
}

void Scaler::look(std::uint64_t llm) {
  Service& service = services_[llm];
  service.next = kNoEvent;
  clock_.only_watches(-1);
  const bool at_rest = clock_.at_rest_but_for(0);
  if (at_rest && !service.at_rest) service.at_rest_since_s = clock_.now();
  service.at_rest = at_rest && !client_.unblock();
  decide(service, view(llm));
  if (services_.size() == 1) {
    apply();
  } else {
    apply_soon();
  }
  if (service.at_rest && clock_.now() - service.at_rest_since_s > kPatienceS) return;
  if (client_.stuck()) return;
  schedule(llm, service.policy->next_s(clock_.now()));
}

void Scaler::decide(Service& service, const ScalingView& seen) {
  std::vector<PoolSize> sizes;
  for (std::size_t i = service.first_pool; i < service.end_pool; ++i) {
    sizes.push_back(pools_[i].size);
  }
  service.policy->decide(seen, sizes);
  for (std::size_t i = 0; i < sizes.size(); ++i) pools_[service.first_pool + i].size = sizes[i];
}

void Scaler::apply() {
  waits_ = false;
  const std::vector<Allotment> all = allot();
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    resize(pools_[i], all[i].machines);
    lend(pools_[i], std::min(pools_[i].size.lent, all[i].machines));
  }
}

// What is wanted, as far as there is so much. Pools that borrow stand behind those they borrow
// from, which have the first choice.
std::vector<Scaler::Allotment> Scaler::allot() const {
  std::vector<Allotment> all;
  std::vector<std::uint32_t> left;  // of each pool's own machines
  for (const Pool& pool : pools_) {
    const ScaledPool seen = seen_pool(pool);
    left.push_back(seen.machines);
    const std::size_t owner = pool.spec.borrows_from.value_or(left.size() - 1);
    const std::uint32_t most = std::min(seen.machines, left[owner]);
    const std::uint32_t machines = std::clamp(pool.size.machines, std::min(seen.least, most), most);
    left[owner] -= machines;
    all.push_back({most, machines});
  }
  return all;
}

bool Scaler::is_free(const Pool& pool, const Machine& machine) const {
  const auto number = static_cast<std::size_t>(&machine - pool.machines.data());
  return std::all_of(pool.others.begin(), pool.others.end(), [&](std::size_t other) {
    const Machine& same = pools_[other].machines[number];
    for (std::uint32_t k = 0; k < same.instances; ++k) {
      if (client_.loads()[same.first + k].status != InstanceStatus::kOff) return false;
    }
    return true;
  });
}

ScalingView Scaler::view(std::size_t llm) {
  const Service& service = services_[llm];
  ScalingView seen;
  seen.now_s = clock_.now();
  std::array<double, 3> reserved{};
  std::array<double, 3> capacity{};
  const std::span<const InstanceLoad> loads = client_.loads();
  const std::vector<Allotment> all = allot();
  for (std::size_t i = service.first_pool; i < service.end_pool; ++i) {
    const Pool& pool = pools_[i];
    seen.pools.push_back(seen_pool(pool));
    seen.pools.back().machines = all[i].most;
    const InstanceId first = pool.machines.front().first;
    const InstanceId count = pool.spec.machines * pool.spec.instances_per_machine;
    for (InstanceId id = first; id < first + count; ++id) {
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
  }
  for (std::size_t role = 0; role < seen.sides.size(); ++role) {
    if (capacity[role] > 0) seen.sides[role].reserved_share = reserved[role] / capacity[role];
  }
  seen.traffic = services_[llm].traffic.take(clock_.now());
  seen.stranded = client_.stranded(llm);
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
    if (machine.out) continue;
    if (is_on(machine)) {
      on.push_back(&machine);
    } else if (is_free(pool, machine)) {
      others.push_back(&machine);
    }
  }
  if (on.size() < wanted) {
    std::stable_sort(others.begin(), others.end(), [&](const Machine* a, const Machine* b) {
      return is(*a, InstanceStatus::kDraining) > is(*b, InstanceStatus::kDraining);
    });
    const std::size_t missing = wanted - on.size();
    waits_ |= missing > others.size();
    for (std::size_t i = 0; i < std::min(missing, others.size()); ++i) turn(*others[i], true);
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
