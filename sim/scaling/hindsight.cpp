#include "sim/scaling/hindsight.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace cleave {

Hindsight::Hindsight(std::vector<ScalerPool> pools, const PoolCapacity& capacity,
                     const std::vector<std::optional<double>>& tpot_limits_s)
    : pools_(std::move(pools)), capacity_(&capacity) {
  for (const std::optional<double>& limit_s : tpot_limits_s) {
    traffic_.push_back({limit_s.value_or(std::numeric_limits<double>::infinity())});
  }
  for (const ScalerPool& pool : pools_) all_machines_ += pool.borrows_from ? 0 : pool.machines;
}

void Hindsight::arrived(std::size_t llm, double time_s, std::uint32_t prompt_tokens,
                        std::uint32_t output_tokens) {
  while (time_s >= from_s_ + kWindowS) close(from_s_ + kWindowS);
  Traffic& traffic = traffic_[llm];
  ++traffic.requests;
  traffic.prompt_tokens += prompt_tokens;
  traffic.output_tokens += output_tokens;
}

double Hindsight::machine_hours(double end_s) {
  constexpr double kHourS = 3600;
  while (end_s >= from_s_ + kWindowS) close(from_s_ + kWindowS);
  close(end_s);
  return machine_s_ / kHourS;
}

void Hindsight::close(double until_s) {
  const double length_s = until_s - from_s_;
  if (length_s <= 0) return;
  double all = 0;
  for (std::size_t llm = 0; llm < traffic_.size(); ++llm) {
    all += machines(llm, length_s);
    traffic_[llm] = {traffic_[llm].tpot_s};
  }
  machine_s_ += std::min(all, all_machines_) * length_s;
  from_s_ = until_s;
}

double Hindsight::machines(std::size_t llm, double length_s) const {
  const double rate_rps = traffic_[llm].requests / length_s;
  const double split_rps =
      std::min({rate_rps, most_rps(llm, PoolRole::kPrompt), most_rps(llm, PoolRole::kToken)});
  const bool mixed = std::any_of(pools_.begin(), pools_.end(), [&](const ScalerPool& pool) {
    return pool.llm == llm && pool.role == PoolRole::kMixed;
  });
  const double sides_rps = mixed ? split_rps : rate_rps;
  return machines(llm, PoolRole::kPrompt, sides_rps) + machines(llm, PoolRole::kToken, sides_rps) +
         machines(llm, PoolRole::kMixed, rate_rps - split_rps);
}

double Hindsight::each_rps(std::size_t pool) const {
  const Traffic& traffic = traffic_[pools_[pool].llm];
  if (traffic.requests == 0) return 0;
  return capacity_->requests_rps(pool, traffic.prompt_tokens / traffic.requests,
                                 traffic.output_tokens / traffic.requests, traffic.tpot_s);
}

double Hindsight::most_rps(std::size_t llm, PoolRole role) const {
  double most = 0;
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    const ScalerPool& pool = pools_[i];
    if (pool.llm == llm && pool.role == role) most += pool.machines * each_rps(i);
  }
  return most;
}

// Pool by pool, until the requests are carried.
double Hindsight::machines(std::size_t llm, PoolRole role, double rate_rps) const {
  double all = 0;
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    const ScalerPool& pool = pools_[i];
    if (pool.llm != llm || pool.role != role) continue;
    const double each = each_rps(i);
    double needed = 0;
    if (rate_rps > 0) needed = each > 0 ? std::ceil(rate_rps / each - 1e-9) : pool.machines;
    const double there = std::clamp(needed, 1.0 * pool.least, 1.0 * pool.machines);
    rate_rps = std::max(0.0, rate_rps - there * each);
    all += there;
  }
  return all;
}

}  // namespace cleave
