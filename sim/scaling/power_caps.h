#pragma once

#include <cstdint>
#include <vector>

#include "sim/core/status.h"

namespace cleave {

/// A pool as what it can draw. A cap is a share of the GPUs' TDP.
struct CappedPool {
  PoolRole role = PoolRole::kMixed;
  std::uint32_t on = 0;     ///< instances that are not off
  double base_w = 0;        ///< of an instance, its GPUs apart
  double gpu_w = 0;         ///< of its GPUs at TDP
  double own_cap = 1;       ///< that the scenario gives the pool now
  double decode_share = 1;  ///< of TDP, that decodes draw
  double idle_share = 0;    ///< of TDP, that GPUs draw at rest, whatever the cap
};

/// Caps of the pools with which they never draw more than `budget_w` together, whatever runs on
/// them; they are lowered in this order, as far as it takes, those of one step alike:
/// 1. token pools to what decodes draw anyway,
/// 2. prompt and mixed pools to `least_cap`, and 3. token pools (kPrompts), or the other way round.
/// Where even that is too much, all are at `least_cap`.
std::vector<double> power_caps(const std::vector<CappedPool>& pools, double budget_w,
                               SlowedFirst first, double least_cap);

/// The most that they draw with these caps.
double most_w(const std::vector<CappedPool>& pools, const std::vector<double>& caps);

}  // namespace cleave
