#include "sim/scaling/hindsight.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace cleave {

Hindsight::Hindsight(std::vector<ScalerPool> pools, std::size_t first_pool,
                     const PoolCapacity& capacity, std::optional<double> tpot_limit_s)
    : pools_(std::move(pools)),
      first_pool_(first_pool),
      capacity_(&capacity),
      tpot_s_(tpot_limit_s.value_or(std::numeric_limits<double>::infinity())) {}

void Hindsight::arrived(double time_s, std::uint32_t prompt_tokens, std::uint32_t output_tokens) {
  while (time_s >= from_s_ + kWindowS) close(from_s_ + kWindowS);
  ++requests_;
  prompt_tokens_ += prompt_tokens;
  output_tokens_ += output_tokens;
}

double Hindsight::machine_hours(double end_s) {
  constexpr double kHourS = 3600;
  while (end_s >= from_s_ + kWindowS) close(from_s_ + kWindowS);
  close(end_s);
  return machine_s_ / kHourS;
}

void Hindsight::close(double until_s) {
  const double length_s = until_s - from_s_;
  if (length_s > 0) machine_s_ += machines(requests_ / length_s) * length_s;
  from_s_ = until_s;
  requests_ = prompt_tokens_ = output_tokens_ = 0;
}

// Of each side pool by pool, until the requests are carried.
double Hindsight::machines(double rate_rps) const {
  double all = 0;
  for (const PoolRole role : {PoolRole::kPrompt, PoolRole::kToken, PoolRole::kMixed}) {
    double left_rps = rate_rps;
    for (std::size_t i = 0; i < pools_.size(); ++i) {
      const ScalerPool& pool = pools_[i];
      if (pool.role != role) continue;
      double needed = 0;
      if (requests_ > 0) {
        const double each_rps = capacity_->requests_rps(first_pool_ + i, prompt_tokens_ / requests_,
                                                        output_tokens_ / requests_, tpot_s_);
        needed = each_rps > 0 ? std::ceil(left_rps / each_rps - 1e-9) : pool.machines;
        left_rps = std::max(0.0, left_rps - std::min(needed, 1.0 * pool.machines) * each_rps);
      }
      all += std::clamp(needed, 1.0 * pool.least, 1.0 * pool.machines);
    }
  }
  return all;
}

}  // namespace cleave
