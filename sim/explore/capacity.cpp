#include "sim/explore/capacity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "sim/scenario/pool_latency.h"

namespace cleave {

namespace {

/// An idle instance of each pool, for a scheduler to be asked about.
class OneOfEach : public ClusterView {
 public:
  explicit OneOfEach(const Scenario& scenario) {
    for (const PoolSpec& pool : scenario.pools) {
      InstanceLoad load;
      load.home = pool.role;
      load.machine = pool.first_machine;
      load.capacity_tokens = pool.kv.capacity_tokens;
      loads_.push_back(load);
    }
  }
  std::span<const InstanceLoad> loads() const override { return loads_; }
  bool has_queue(InstanceId) const override { return false; }
  void moved(InstanceId, PoolRole) override {}

 private:
  std::vector<InstanceLoad> loads_;
};

bool apart(const Scenario& scenario, const DueWork& due) {
  const auto has = [&](auto condition) {
    return std::any_of(scenario.pools.begin(), scenario.pools.end(), condition);
  };
  const auto is_token = [](const PoolSpec& pool) { return pool.role == PoolRole::kToken; };
  const bool split = has(is_token) && has([&](const PoolSpec& pool) { return !is_token(pool); });
  const bool all_up = scenario.faults.empty() && !scenario.scaling.on();
  const bool all_fit =
      std::all_of(scenario.pools.begin(), scenario.pools.end(), [&](const PoolSpec& pool) {
        return pool.kv.capacity_tokens >= std::int64_t{due.longest()} + pool.kv.state_tokens + 1;
      });
  OneOfEach cluster(scenario);
  return split && all_up && all_fit &&
         scenario.scheduler.policy.make(cluster)->keeps_phases_apart();
}

/// What a prompt token is worth where sequences can lose their KV caches for want of room: once a
/// prompt is computed again, with all that it had got, the next token is there.
double worth_of_again(const Scenario& scenario, const PoolSpec& pool, const DueWork& due,
                      const Work& price) {
  const auto policy = scenario.batching.policy.make(pool.batching_site());
  const bool reserved = scenario.batching.memory.make()->growth().kind == KvGrowth::Kind::kNone;
  if (!policy->memory({}) && reserved) return 0;
  if (caches_prompts(scenario)) return price.decodes + price.kv_tokens * due.longest();
  return price.decodes / due.shortest_prompt() + price.kv_tokens;
}

IterationLimits limits(const Scenario& scenario, const PoolSpec& pool, const DueWork& due) {
  const Speculation& speculation = scenario.batching.speculation;
  const std::uint32_t computed = speculation.on() ? speculation.computed() : 1;
  const bool lingers = scenario.batching.policy.make(pool.batching_site())->lingers();
  const std::uint32_t longest = due.longest() + 1;
  IterationLimits most;
  // Prompts that are too long run alone; where sequences linger, others may be in their places.
  most.prompt_tokens = pool.limits.max_tokens + longest;
  most.decodes = (lingers ? 2 : 1) * computed * pool.limits.max_sequences;
  most.least_kv_tokens = (due.shortest_prompt() + 1.0) / computed;
  most.most_kv_tokens = longest;
  most.kv_tokens = std::int64_t{most.decodes} * longest;
  // Where all that sequences read is theirs alone, memory holds it.
  if (!scenario.kv_cache.prefix_caching && scenario.llm_of(pool).window_tokens == 0) {
    most.kv_tokens = std::min(most.kv_tokens, pool.kv.capacity_tokens + most.decodes);
  }
  return most;
}

/// What instances of a pool compute, and how fast.
struct Pool {
  std::unique_ptr<LatencyModel> latency;
  IterationLimits most;

  double least_s(const Work& price) const { return cleave::least_s(*latency, most, price); }
};

/// Each in time of the pool's: one phase alone, and several in different shares.
std::vector<Work> prices(const Pool& pool) {
  const Work own{pool.least_s({1, 0, 0}), pool.least_s({0, 1, 0}), pool.least_s({0, 0, 1})};
  constexpr std::array kShares = {0.0, 1.0, 4.0};
  std::vector<Work> prices;
  for (const double prompt : kShares) {
    for (const double decodes : kShares) {
      for (const double kv : kShares) {
        const bool same_as_of_one =
            std::max({prompt, decodes, kv}) == 4 && prompt != 1 && decodes != 1 && kv != 1;
        if (same_as_of_one) continue;
        prices.push_back({prompt * own.prompt_tokens, decodes * own.decodes, kv * own.kv_tokens});
      }
    }
  }
  return prices;
}

/// How many times as fast as it says an instance can be.
double fastest(const Scenario& scenario) {
  double slowest = 1;
  for (const FaultSpec& fault : scenario.faults) {
    if (fault.action == FaultSpec::Action::kSlow) slowest = std::min(slowest, fault.amount);
  }
  return 1 / slowest;
}

}  // namespace

Capacity::Capacity(const Scenario& scenario, const DueWork& due) {
  const bool split = apart(scenario, due);
  const double pace = fastest(scenario);
  std::vector<Pool> pools;
  for (std::size_t i = 0; i < scenario.pools.size(); ++i) {
    pools.push_back({pool_latency(scenario, i), limits(scenario, scenario.pools[i], due)});
  }
  for (const Work& price : prices(pools.front())) {
    AtPrice at{due.least_per_s(price), {}};
    if (at.due_per_s == 0) continue;
    for (std::size_t i = 0; i < pools.size(); ++i) {
      const PoolSpec& spec = scenario.pools[i];
      Work here = price;
      if (split && spec.role == PoolRole::kPrompt) here.decodes = here.kv_tokens = 0;
      if (split && spec.role == PoolRole::kToken) here.prompt_tokens = 0;
      here.prompt_tokens = std::max(here.prompt_tokens, worth_of_again(scenario, spec, due, here));
      at.of_a_machine.push_back(pace * spec.instances_per_machine / pools[i].least_s(here));
    }
    prices_.push_back(std::move(at));
  }
}

double Capacity::share(const std::vector<std::uint32_t>& machines) const {
  double share = INFINITY;
  for (const AtPrice& at : prices_) {
    double per_s = 0;
    for (std::size_t i = 0; i < machines.size(); ++i) per_s += machines[i] * at.of_a_machine[i];
    share = std::min(share, per_s / at.due_per_s);
  }
  return share;
}

}  // namespace cleave
