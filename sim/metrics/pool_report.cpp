#include <algorithm>
#include <cmath>

#include "sim/metrics/pool_metrics.h"
#include "sim/metrics/ratio.h"

namespace cleave {

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

/// A pool with the sums over its instances.
struct PoolMetrics::PoolSums {
  const PoolMetrics& all;
  const Pool& pool;
  double instance_s;
  double busy_s;
  double energy_j;
  double off_s;
  double prompt_tokens = 0;
  double decode_tokens = 0;
  double peak_memory_bytes = 0;
  double mixed_s = 0;
  std::uint64_t moves = 0;
  bool brief = false;
};

PoolMetrics::PoolSums PoolMetrics::sums(std::size_t index) const {
  const Pool& pool = pools_[index];
  PoolSums sums{*this,
                pool,
                end_s_ * pool.instances,
                pool.activity.total(kBusy),
                pool_energy_j(index),
                off_s(index, 0, end_s_)};
  for (const InstanceUse& use : instances_) {
    if (use.pool != index) continue;
    sums.prompt_tokens += use.prompt_tokens;
    sums.decode_tokens += use.decode_tokens;
    sums.peak_memory_bytes = std::max(sums.peak_memory_bytes, use.peak_memory_bytes);
    sums.mixed_s += use.away_s;
    sums.moves += use.moves;
  }
  return sums;
}

Json PoolMetrics::json(bool brief) const {
  Json list = Json::array();
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    PoolSums of_pool = sums(i);
    of_pool.brief = brief;
    list.push_back(figures().json(of_pool));
  }
  return list;
}

const FigureTable<PoolMetrics::PoolSums>& PoolMetrics::figures() {
  using P = PoolSums;
  static const FigureTable<P> table{
      {"role", "", "as in machines.csv", [](const P& p) { return role_name(p.pool.role); }},
      {"llm", "", "that it serves", [](const P& p) { return p.pool.llm; }},
      {"machine", "", "the machine profile's name", [](const P& p) { return p.pool.machine; }},
      {"machines", "", "pool[]_machines", better::neither(), "how many",
       [](const P& p) { return p.pool.machines; }},
      {"shares_machines_of", "",
       "the pool on whose machines it runs, else null; `gpus`, `price_per_hour` and "
       "`provisioned_w` are then its share, by GPUs in use",
       [](const P& p) { return p.pool.shares_machines_of; }},
      {"borrows_machines_of", "",
       "the pool whose machines it has while that has them off, else null; `gpus`, "
       "`price_per_hour` and `provisioned_w` are then 0",
       [](const P& p) { return p.pool.borrows_machines_of; }},
      {"instances", "", "pool[]_instances", better::neither(), "how many",
       [](const P& p) { return p.pool.instances; }},
      {"tensor_parallel", "", "pool[]_tensor_parallel", better::neither(),
       "GPUs that share a layer's attention", [](const P& p) { return p.pool.parallelism.tensor; }},
      {"pipeline_parallel", "", "pool[]_pipeline_parallel", better::neither(),
       "stages of an instance", [](const P& p) { return p.pool.parallelism.pipeline; }},
      {"data_parallel", "", "pool[]_data_parallel", better::neither(),
       "groups of GPUs of an instance with sequences of their own",
       [](const P& p) { return p.pool.parallelism.data; }},
      {"expert_parallel", "", "pool[]_expert_parallel", better::neither(),
       "parts of a stage's GPUs with experts of their own",
       [](const P& p) { return p.pool.parallelism.expert; }},
      {"gpus", "", "pool[]_gpus", better::neither(), "of the pool",
       [](const P& p) { return std::llround(p.pool.gpus); }},
      {"utilization", "fraction", "pool[]_utilization", better::neither(),
       "busy time of its instances / (instances x duration)",
       [](const P& p) { return per(p.busy_s, p.instance_s); }},
      {"batch_prompts_mean", "", "pool[]_batch_prompts_mean", better::neither(),
       "prompts in a batch, mean over busy time",
       [](const P& p) { return per(p.pool.activity.total(kPrompts), p.busy_s); }},
      {"batch_sequences_mean", "", "pool[]_batch_sequences_mean", better::neither(),
       "decoding sequences in a batch, mean over busy time",
       [](const P& p) { return per(p.pool.activity.total(kDecodes), p.busy_s); }},
      {"prompt_tokens", "tokens", "pool[]_prompt_tokens", better::neither(),
       "as in machines.csv, over the pool", [](const P& p) { return p.prompt_tokens; }},
      {"decode_tokens", "tokens", "pool[]_decode_tokens", better::neither(),
       "as in machines.csv, over the pool", [](const P& p) { return p.decode_tokens; }},
      {"kv_blocks", "", "pool[]_kv_blocks", better::neither(),
       "that an instance can hold beside weights, activations and graphs",
       [](const P& p) { return p.pool.kv.capacity_tokens / p.pool.kv.block_tokens; }},
      {"kv_block_tokens", "tokens", "pool[]_kv_block_tokens", better::neither(), "of a block",
       [](const P& p) { return p.pool.kv.block_tokens; }},
      {"memory_mean", "fraction", "pool[]_memory_mean", better::neither(),
       "of the GPU memory in use, mean over time and instances",
       [](const P& p) {
         return per(p.pool.levels.total(kMemory), p.instance_s * p.pool.capacity_bytes);
       }},
      {"memory_peak", "fraction", "pool[]_memory_peak", better::neither(),
       "of its GPU memory in use, the most of any instance",
       [](const P& p) { return p.peak_memory_bytes / p.pool.capacity_bytes; }},
      {"queued_requests_mean", "requests", "pool[]_queued_requests_mean", better::less(),
       "waiting on an instance, mean over time",
       [](const P& p) { return per(p.pool.levels.total(kQueue), p.instance_s); }},
      {"mixed_share", "fraction", "pool[]_mixed_share", better::neither(),
       "of the instances' time that was spent in the mixed pool, or on the other side",
       [](const P& p) { return per(p.mixed_s, p.instance_s); }},
      {"moves_to_mixed", "", "pool[]_moves_to_mixed", better::neither(),
       "times an instance went there", [](const P& p) { return p.moves; }},
      {"off_share", "fraction", "pool[]_off_share", better::neither(),
       "of the instances' time in which they were off",
       [](const P& p) { return per(p.off_s, p.instance_s); }},
      {"energy_kwh", "kWh", "pool[]_energy_kwh", better::less(),
       "as in machines.csv, over the pool", [](const P& p) { return p.energy_j / kJoulesPerKwh; }},
      {"price_per_hour", "$/h", "pool[]_price_per_hour", better::less(),
       "of all its machines; null where it is unknown",
       [](const P& p) { return known(p.pool.price_per_hour); }},
      {"provisioned_w", "W", "pool[]_provisioned_w", better::less(), "of all its machines",
       [](const P& p) { return p.pool.provisioned_w; }},
      {"batch_tokens_cdf", "tokens, fraction",
       "[tokens, share of the instances' time with at most so many tokens in the batch], idle time "
       "included",
       [](const P& p) { return p.brief ? no_key() : p.all.batch_tokens(p.pool); }},
      {"over_time", figures_over_time(),
       [](const P& p) { return p.brief ? no_key() : p.all.over_time(p.pool); }}};
  return table;
}

std::vector<double> PoolMetrics::power_over_time() const {
  std::vector<double> power(time_.size(), idle_w_of_all());
  for (std::size_t i = 0; i < power.size(); ++i) {
    for (std::size_t p = 0; p < pools_.size(); ++p) {
      power[i] += pools_[p].activity.mean(i, kPower);
      power[i] -= pools_[p].power.idle_w() * off_instances(p, i);
    }
  }
  return power;
}

ClusterPower PoolMetrics::power(double budget_w) const {
  std::vector<double> power = power_over_time();
  std::sort(power.begin(), power.end());
  const double energy = energy_j();
  const auto rank =
      static_cast<std::size_t>(0.99 * static_cast<double>(power.empty() ? 0 : power.size() - 1));
  ClusterPower result{.provisioned_w = provisioned_w(),
                      .idle_w = idle_w(),
                      .mean_w = end_s_ > 0 ? energy / end_s_ : idle_w(),
                      .p99_w = power.empty() ? idle_w() : power[rank],
                      .peak_w = power.empty() ? idle_w() : power.back(),
                      .window_s = time_.width_s(),
                      .estimated = !power_measured(),
                      .how_sure = power_how_sure(),
                      .energy_j = energy,
                      .budget = {}};
  if (budget_w > 0) {
    const auto above = power.end() - std::upper_bound(power.begin(), power.end(), budget_w);
    const auto windows = static_cast<double>(std::max<std::size_t>(1, power.size()));
    result.budget = {budget_w, result.p99_w / budget_w, result.peak_w / budget_w,
                     static_cast<double>(above) / windows, result.peak_w <= budget_w};
  }
  return result;
}

/// An instance with its number.
struct PoolMetrics::MachineLine {
  const PoolMetrics& all;
  std::size_t number;
  const InstanceUse& use;
  const Pool& pool;

  double of_run(double value) const { return per(value, all.end_s_); }
  double off_s() const { return all.off_.seconds(static_cast<InstanceId>(number), 0, all.end_s_); }
};

const FigureTable<PoolMetrics::MachineLine>& PoolMetrics::machine_columns() {
  using M = MachineLine;
  static const FigureTable<M> table{
      {"instance", "", "its number", [](const M& m) { return m.number; }},
      {"machine", "", "number of the machine it is on", [](const M& m) { return m.use.machine; }},
      {"pool", "", "number of the pool it is configured in", [](const M& m) { return m.use.pool; }},
      {"role", "", "of that pool: `prompt`, `token` or `mixed`",
       [](const M& m) { return role_name(m.pool.role); }},
      {"machine_type", "", "name of the machine profile",
       [](const M& m) { return m.pool.machine; }},
      {"gpus", "", "GPUs of the instance", [](const M& m) { return m.pool.parallelism.gpus(); }},
      {"busy_s", "s", "time in which it ran iterations", [](const M& m) { return m.use.busy_s; }},
      {"utilization", "fraction", "`busy_s` / duration of the run",
       [](const M& m) { return m.of_run(m.use.busy_s); }},
      {"segments", "", "runs of iterations with an unchanged batch",
       [](const M& m) { return m.use.segments; }},
      {"prompt_tokens", "tokens",
       "tokens it processed in prompt phases, again where a request was restarted or where a "
       "sequence that had lost its KV cache was recomputed",
       [](const M& m) { return m.use.prompt_tokens; }},
      {"decode_tokens", "tokens",
       "output tokens it generated in decode iterations; not the first of a request, nor the one "
       "that a recomputation gives",
       [](const M& m) { return m.use.decode_tokens; }},
      {"memory_mean_bytes", "bytes", "GPU memory in use, weights and KV caches, mean over the run",
       [](const M& m) { return m.of_run(m.use.memory_byte_s); }},
      {"memory_peak_bytes", "bytes", "the most at any time",
       [](const M& m) { return m.use.peak_memory_bytes; }},
      {"queue_peak", "requests",
       "the most requests that waited on it at once, for their prompt phase or for a place in the "
       "batch",
       [](const M& m) { return m.use.peak_queued; }},
      {"mixed_s", "s",
       "time it spent working for the mixed pool or the other side, away from its own",
       [](const M& m) { return m.use.away_s; }},
      {"moves_to_mixed", "", "times it went there", [](const M& m) { return m.use.moves; }},
      {"energy_kwh", "kWh",
       "its GPUs' energy and its share of the rest of the machine, idle times included",
       [](const M& m) {
         return (m.use.energy_j + m.pool.power.idle_w() * (m.all.end_s_ - m.off_s())) /
                kJoulesPerKwh;
       }},
      {"off_s", "s", "time in which it was off", [](const M& m) { return m.off_s(); }}};
  return table;
}

std::string PoolMetrics::machines_csv() const {
  std::string text = machine_columns().csv_header();
  for (std::size_t i = 0; i < instances_.size(); ++i) {
    const InstanceUse& use = instances_[i];
    machine_columns().add_csv_line(text, {*this, i, use, pools_[use.pool]}, Digits::kSeventeen);
  }
  return text;
}

}  // namespace cleave
