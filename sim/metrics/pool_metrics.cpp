#include "sim/metrics/pool_metrics.h"

#include <algorithm>

namespace cleave {

PoolMetrics::PoolMetrics(const Scenario& scenario) {
  for (const PoolSpec& spec : scenario.pools) {
    const std::uint32_t instances = spec.instances();
    Pool pool{spec.role,
              scenario.llm_of(spec).name,
              spec.machine.name,
              spec.count,
              spec.shares_machines_of,
              spec.borrows_machines_of,
              spec.parallelism(),
              instances,
              spec.machines() * spec.machine.gpu_count,
              spec.memory_bytes(),
              spec.kv,
              spec.machine.price_per_hour * spec.machines(),
              spec.machine.price_per_hour * spec.count * spec.machine_share,
              spec.off_price_per_hour * spec.machines(),
              spec.machine.provisioned_at_cap_w() * spec.machines(),
              PowerModel(scenario.llm_of(spec), spec.machine, spec.gpu_share(),
                         scenario.latency_profiles),
              TimeSeries<kActivities>(time_),
              TimeSeries<kLevels>(time_),
              {},
              0,
              {}};
    for (std::uint32_t i = 0; i < instances; ++i) {
      InstanceUse use{};
      use.pool = pools_.size();
      use.machine = spec.machine_of(i);
      use.role = spec.role;
      instances_.push_back(use);
    }
    pools_.push_back(std::move(pool));
  }
  off_ = OffTimes(instances_.size());
}

double PoolMetrics::segment(const Segment& segment) {
  InstanceUse& use = instances_[segment.instance];
  Pool& pool = pools_[use.pool];
  const double seconds = segment.end_s - segment.start_s;
  const bool prompts = segment.prompts > 0;
  const double power_w = prompts ? pool.power.prompt_w(segment.prompt_tokens, segment.power_cap)
                                 : pool.power.decode_w(segment.power_cap);
  const double energy_j = (power_w - pool.power.idle_w()) * seconds;
  use.busy_s += seconds;
  use.energy_j += energy_j;
  use.prompt_tokens += static_cast<double>(segment.prompt_tokens) * segment.iterations;
  use.decode_tokens += segment.decode_tokens;
  ++use.segments;
  pool.activity.add(segment.start_s, segment.end_s,
                    {1, static_cast<double>(segment.prompts), static_cast<double>(segment.decodes),
                     power_w - pool.power.idle_w(), 0});
  const std::size_t tokens = std::size_t{segment.prompt_tokens} + segment.decodes;
  if (pool.seconds_at_tokens.size() <= tokens) pool.seconds_at_tokens.resize(tokens + 1);
  pool.seconds_at_tokens[tokens] += seconds;
  return energy_j;
}

void PoolMetrics::change_level(std::size_t index, Level level, double time_s, double by) {
  Pool& pool = pools_[index];
  pool.levels.add(pool.level_since_s, time_s, pool.level);
  pool.level_since_s = time_s;
  pool.level[level] += by;
}

void PoolMetrics::memory(InstanceId instance, double time_s, double bytes) {
  InstanceUse& use = instances_[instance];
  change_level(use.pool, kMemory, time_s, bytes - use.memory_bytes);
  use.memory_byte_s += use.memory_bytes * (time_s - use.memory_since_s);
  use.memory_since_s = time_s;
  use.memory_bytes = bytes;
  use.peak_memory_bytes = std::max(use.peak_memory_bytes, bytes);
}

void PoolMetrics::queue(InstanceId instance, double time_s, std::uint32_t requests) {
  InstanceUse& use = instances_[instance];
  if (requests == use.queued) return;
  change_level(use.pool, kQueue, time_s, static_cast<double>(requests) - use.queued);
  use.queued = requests;
  use.peak_queued = std::max(use.peak_queued, requests);
}

void PoolMetrics::pool_changed(InstanceId instance, double time_s, PoolRole role) {
  InstanceUse& use = instances_[instance];
  if (role == use.role) return;
  const bool was_away = use.role != pools_[use.pool].role;
  const bool is_away = role != pools_[use.pool].role;
  use.role = role;
  use.moves += is_away ? 1 : 0;
  if (was_away == is_away) return;
  if (was_away) {
    use.away_s += time_s - use.away_since_s;
  } else {
    use.away_since_s = time_s;
  }
  change_level(use.pool, kAway, time_s, was_away ? -1 : 1);
}

void PoolMetrics::status_changed(InstanceId instance, double time_s, InstanceStatus status) {
  off_.status_changed(instance, time_s, status);
}

void PoolMetrics::transferred(InstanceId from, double start_s, double end_s) {
  Pool& pool = pools_[instances_[from].pool];
  pool.activity.add(start_s, end_s, kTransfers, 1);
}

void PoolMetrics::end(double end_s) {
  end_s_ = end_s;
  off_.end(end_s);
  time_.reach(end_s);
  for (std::size_t i = 0; i < pools_.size(); ++i) change_level(i, kMemory, end_s, 0);
  for (InstanceUse& use : instances_) {
    use.memory_byte_s += use.memory_bytes * (end_s - use.memory_since_s);
    if (use.role != pools_[use.pool].role) use.away_s += end_s - use.away_since_s;
  }
}

double PoolMetrics::gpus() const {
  double sum = 0;
  for (const Pool& pool : pools_) sum += pool.gpus;
  return sum;
}

double PoolMetrics::gpus_of(PoolRole role) const {
  double sum = 0;
  for (const Pool& pool : pools_) sum += pool.role == role ? pool.gpus : 0;
  return sum;
}

double PoolMetrics::price_per_hour() const {
  double sum = 0;
  for (const Pool& pool : pools_) sum += pool.price_per_hour;
  return sum;
}

double PoolMetrics::provisioned_w() const {
  double sum = 0;
  for (const Pool& pool : pools_) sum += pool.provisioned_w;
  return sum;
}

double PoolMetrics::idle_w() const {
  double sum = 0;
  for (const Pool& pool : pools_) {
    if (!pool.borrows_machines_of) sum += pool.power.idle_w() * pool.instances;
  }
  return sum;
}

double PoolMetrics::idle_w_of_all() const {
  double sum = 0;
  for (const Pool& pool : pools_) sum += pool.power.idle_w() * pool.instances;
  return sum;
}

double PoolMetrics::off_s(std::size_t pool, double from_s, double to_s) const {
  double sum = 0;
  if (off_.never()) return sum;
  for (InstanceId i = 0; i < instances_.size(); ++i) {
    if (instances_[i].pool == pool) sum += off_.seconds(i, from_s, to_s);
  }
  return sum;
}

double PoolMetrics::off_instances(std::size_t pool, std::size_t bucket) const {
  const double from_s = time_.from_s(bucket);
  const double length_s = time_.length_s(bucket);
  return off_s(pool, from_s, from_s + length_s) / length_s;
}

double PoolMetrics::idle_energy_j(double from_s, double to_s) const {
  double sum = idle_w_of_all() * std::max(0.0, to_s - from_s);
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    sum -= pools_[i].power.idle_w() * off_s(i, from_s, to_s);
  }
  return sum;
}

double PoolMetrics::usd(std::size_t pool, double from_s, double to_s) const {
  constexpr double kHour = 3600;
  const double on_s = machines_on_s(pool, from_s, to_s);
  double off_s = std::max(0.0, to_s - from_s) - on_s;
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    if (pools_[i].borrows_machines_of == pool) off_s -= machines_on_s(i, from_s, to_s);
  }
  return (pools_[pool].on_price_per_hour * on_s + pools_[pool].off_price_per_hour * off_s) / kHour;
}

// Seconds times the share of the pool's machines that are on.
double PoolMetrics::machines_on_s(std::size_t pool, double from_s, double to_s) const {
  return std::max(0.0, to_s - from_s) - off_s(pool, from_s, to_s) / pools_[pool].instances;
}

bool PoolMetrics::power_measured() const {
  return std::all_of(pools_.begin(), pools_.end(),
                     [](const Pool& pool) { return pool.power.measured(); });
}

// Each pool's, once.
std::string PoolMetrics::power_how_sure() const {
  std::vector<std::string> all;
  for (const Pool& pool : pools_) {
    const std::string& one = pool.power.how_sure();
    if (!one.empty() && std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
  }
  std::string text;
  for (const std::string& one : all) text += (text.empty() ? "" : "; ") + one;
  return text;
}

double PoolMetrics::pool_energy_j(std::size_t index) const {
  const Pool& pool = pools_[index];
  double sum =
      pool.power.idle_w() * pool.instances * end_s_ - pool.power.idle_w() * off_s(index, 0, end_s_);
  for (const InstanceUse& use : instances_) sum += use.pool == index ? use.energy_j : 0;
  return sum;
}

double PoolMetrics::energy_j() const {
  double sum = 0;
  for (std::size_t i = 0; i < pools_.size(); ++i) sum += pool_energy_j(i);
  return sum;
}

}  // namespace cleave
