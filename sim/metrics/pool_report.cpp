#include <algorithm>
#include <cmath>
#include <ostream>

#include "sim/metrics/pool_metrics.h"

namespace cleave {

Json PoolMetrics::over_time(const Pool& pool) const {
  Json json{{"bucket_s", time_.width_s()}};
  const auto add = [&](const char* name, const auto& series, std::size_t channel, double base) {
    Json& values = json[name] = Json::array();
    for (std::size_t i = 0; i < time_.size(); ++i) values.push_back(base + series.mean(i, channel));
  };
  add("busy_instances", pool.activity, kBusy, 0);
  add("prompts", pool.activity, kPrompts, 0);
  add("decodes", pool.activity, kDecodes, 0);
  add("transfers", pool.activity, kTransfers, 0);
  add("power_w", pool.activity, kPower, pool.power.idle_w() * pool.instances);
  add("memory_bytes", pool.levels, kMemory, 0);
  add("queued_requests", pool.levels, kQueue, 0);
  add("mixed_instances", pool.levels, kMixed, 0);
  return json;
}

/// How much of the time an instance has at most so many tokens in its batch, idle time included.
Json PoolMetrics::batch_tokens(const Pool& pool) const {
  constexpr std::size_t kPoints = 100;
  const double total_s = end_s_ * pool.instances;
  double seen_s = total_s - pool.activity.total(kBusy);
  double next_share = 0;
  Json json = Json::array();
  for (std::size_t tokens = 0; tokens < pool.seconds_at_tokens.size() && total_s > 0; ++tokens) {
    seen_s += pool.seconds_at_tokens[tokens];
    const bool last = tokens + 1 == pool.seconds_at_tokens.size();
    if (seen_s / total_s < next_share && !last) continue;
    json.push_back({tokens, std::min(1.0, seen_s / total_s)});
    next_share = seen_s / total_s + 1.0 / kPoints;
  }
  return json;
}

Json PoolMetrics::json() const {
  Json pools = Json::array();
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    const Pool& pool = pools_[i];
    const double instance_s = end_s_ * pool.instances;
    double prompt_tokens = 0;
    double decode_tokens = 0;
    double peak_memory = 0;
    double mixed_s = 0;
    std::uint64_t moves = 0;
    for (const InstanceUse& use : instances_) {
      if (use.pool != i) continue;
      prompt_tokens += use.prompt_tokens;
      decode_tokens += use.decode_tokens;
      peak_memory = std::max(peak_memory, use.peak_memory_bytes);
      mixed_s += use.mixed_s;
      moves += use.moves;
    }
    const double busy_s = pool.activity.total(kBusy);
    const auto per = [](double value, double over) { return over > 0 ? value / over : 0; };
    pools.push_back(
        {{"role", role_name(pool.role)},
         {"machine", pool.machine},
         {"machines", pool.machines},
         {"shares_machines_of",
          pool.shares_machines_of ? Json(*pool.shares_machines_of) : Json(nullptr)},
         {"instances", pool.instances},
         {"tensor_parallel", pool.tensor_parallel},
         {"pipeline_parallel", pool.pipeline_parallel},
         {"gpus", std::llround(pool.gpus)},
         {"utilization", per(busy_s, instance_s)},
         {"batch_prompts_mean", per(pool.activity.total(kPrompts), busy_s)},
         {"batch_sequences_mean", per(pool.activity.total(kDecodes), busy_s)},
         {"prompt_tokens", prompt_tokens},
         {"decode_tokens", decode_tokens},
         {"memory_mean", per(pool.levels.total(kMemory), instance_s * pool.capacity_bytes)},
         {"memory_peak", peak_memory / pool.capacity_bytes},
         {"queued_requests_mean", per(pool.levels.total(kQueue), instance_s)},
         {"mixed_share", per(mixed_s, instance_s)},
         {"moves_to_mixed", moves},
         {"energy_kwh", pool_energy_j(i) / 3.6e6},
         {"price_per_hour", std::isnan(pool.price_per_hour) ? Json() : Json(pool.price_per_hour)},
         {"provisioned_w", pool.provisioned_w},
         {"batch_tokens_cdf", batch_tokens(pool)},
         {"over_time", over_time(pool)}});
  }
  return pools;
}

Json PoolMetrics::power_json(double budget_w) const {
  std::vector<double> power(time_.size(), idle_w());
  for (std::size_t i = 0; i < power.size(); ++i) {
    for (const Pool& pool : pools_) power[i] += pool.activity.mean(i, kPower);
  }
  std::sort(power.begin(), power.end());
  const double mean_w = end_s_ > 0 ? energy_j() / end_s_ : idle_w();
  const auto rank =
      static_cast<std::size_t>(0.99 * static_cast<double>(power.empty() ? 0 : power.size() - 1));
  const double p99_w = power.empty() ? idle_w() : power[rank];
  const double peak_w = power.empty() ? idle_w() : power.back();
  Json budget;
  if (budget_w > 0) {
    const auto above = power.end() - std::upper_bound(power.begin(), power.end(), budget_w);
    const auto windows = static_cast<double>(std::max<std::size_t>(1, power.size()));
    budget = {{"budget_w", budget_w},
              {"p99_share", p99_w / budget_w},
              {"peak_share", peak_w / budget_w},
              {"above_share", static_cast<double>(above) / windows},
              {"holds", peak_w <= budget_w}};
  }
  return {{"provisioned_w", provisioned_w()},
          {"idle_w", idle_w()},
          {"mean_w", mean_w},
          {"p99_w", p99_w},
          {"peak_w", peak_w},
          {"window_s", time_.width_s()},
          {"estimated", !power_measured()},
          {"budget", budget}};
}

void PoolMetrics::write_machines(std::ostream& out) const {
  out << "instance,machine,pool,role,machine_type,gpus,busy_s,utilization,segments,prompt_tokens,"
         "decode_tokens,memory_mean_bytes,memory_peak_bytes,queue_peak,mixed_s,moves_to_mixed,"
         "energy_kwh\n";
  out.precision(17);
  for (std::size_t i = 0; i < instances_.size(); ++i) {
    const InstanceUse& use = instances_[i];
    const Pool& pool = pools_[use.pool];
    const double energy_j = use.energy_j + pool.power.idle_w() * end_s_;
    out << i << ',' << use.machine << ',' << use.pool << ',' << role_name(pool.role) << ','
        << pool.machine << ',' << pool.tensor_parallel * pool.pipeline_parallel << ',' << use.busy_s
        << ',' << (end_s_ > 0 ? use.busy_s / end_s_ : 0) << ',' << use.segments << ','
        << use.prompt_tokens << ',' << use.decode_tokens << ','
        << (end_s_ > 0 ? use.memory_byte_s / end_s_ : 0) << ',' << use.peak_memory_bytes << ','
        << use.peak_queued << ',' << use.mixed_s << ',' << use.moves << ',' << energy_j / 3.6e6
        << '\n';
  }
}

}  // namespace cleave
