#include "sim/scaling/power_caps.h"

#include <algorithm>

namespace cleave {

namespace {

enum class Group : std::uint8_t { kPrompts, kTokens };

Group group_of(const CappedPool& pool) {
  return pool.role == PoolRole::kToken ? Group::kTokens : Group::kPrompts;
}

/// The caps with those of a group at most `cap`.
std::vector<double> lowered(const std::vector<CappedPool>& pools, std::vector<double> caps,
                            Group group, double cap) {
  for (std::size_t i = 0; i < pools.size(); ++i) {
    if (group_of(pools[i]) == group) caps[i] = std::min(caps[i], cap);
  }
  return caps;
}

/// The same with the highest cap from `least` up with which all is within the budget; `least` where
/// none is. What is drawn never falls with a cap, so that it is found by halving.
std::vector<double> fitted(const std::vector<CappedPool>& pools, const std::vector<double>& caps,
                           Group group, double least, double budget_w) {
  if (most_w(pools, caps) <= budget_w) return caps;
  double fits = least;
  double too_much = 1;
  constexpr int kSteps = 50;
  for (int step = 0; step < kSteps; ++step) {
    const double middle = (fits + too_much) / 2;
    const bool holds = most_w(pools, lowered(pools, caps, group, middle)) <= budget_w;
    (holds ? fits : too_much) = middle;
  }
  return lowered(pools, caps, group, fits);
}

}  // namespace

double most_w(const std::vector<CappedPool>& pools, const std::vector<double>& caps) {
  double sum_w = 0;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    const double share = std::max(pools[i].idle_share, caps[i]);
    sum_w += pools[i].on * (pools[i].base_w + pools[i].gpu_w * share);
  }
  return sum_w;
}

std::vector<double> power_caps(const std::vector<CappedPool>& pools, double budget_w,
                               SlowedFirst first, double least_cap) {
  std::vector<double> caps;
  double decode_share = least_cap;
  for (const CappedPool& pool : pools) {
    caps.push_back(pool.own_cap);
    if (group_of(pool) == Group::kTokens) decode_share = std::max(decode_share, pool.decode_share);
  }
  const Group one = first == SlowedFirst::kPrompts ? Group::kPrompts : Group::kTokens;
  const Group other = first == SlowedFirst::kPrompts ? Group::kTokens : Group::kPrompts;
  caps = fitted(pools, caps, Group::kTokens, decode_share, budget_w);
  caps = fitted(pools, caps, one, least_cap, budget_w);
  return fitted(pools, caps, other, least_cap, budget_w);
}

}  // namespace cleave
