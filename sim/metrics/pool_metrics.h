#pragma once

#include <string>
#include <vector>

#include "models/latency/power.h"
#include "sim/core/observer.h"
#include "sim/metrics/off_times.h"
#include "sim/metrics/power_use.h"
#include "sim/metrics/time_base.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// What the machines of each configured pool did: work, batches, memory, power, over time.
class PoolMetrics {
 public:
  explicit PoolMetrics(const Scenario& scenario);

  /// Gives what the segment drew above idle power, J.
  double segment(const Segment& segment);
  void memory(InstanceId instance, double time_s, double bytes);
  void queue(InstanceId instance, double time_s, std::uint32_t requests);
  void pool_changed(InstanceId instance, double time_s, PoolRole role);
  void status_changed(InstanceId instance, double time_s, InstanceStatus status);
  /// A KV cache left `from` during this time.
  void transferred(InstanceId from, double start_s, double end_s);
  void end(double end_s);

  std::size_t pool_of(InstanceId instance) const { return instances_[instance].pool; }
  double gpus() const;
  double gpus_of(PoolRole role) const;
  double price_per_hour() const;
  double provisioned_w() const;
  /// With every machine on and idle.
  double idle_w() const;
  /// Between two times of a run that is over: what machines cost and draw while they are on.
  double idle_energy_j(double from_s, double to_s) const;
  double usd(std::size_t pool, double from_s, double to_s) const;
  double energy_j() const;
  bool power_measured() const;
  std::string power_how_sure() const;
  /// Of all pools, in the buckets of time(): W, mean.
  std::vector<double> power_over_time() const;
  const TimeBase& time() const { return time_; }

  /// What each pool did, one after the other; brief: without what is drawn.
  Json json(bool brief) const;
  struct PoolSums;
  static const FigureTable<PoolSums>& figures();

  /// In windows of time; against a budget, where there is one (not 0).
  ClusterPower power(double budget_w) const;

  /// machines.csv: a line for each instance.
  std::string machines_csv() const;
  struct MachineLine;
  static const FigureTable<MachineLine>& machine_columns();

  /// series.csv: a line for each pool and bucket of time.
  std::string series_csv() const;
  struct SeriesLine;
  static const FigureTable<SeriesLine>& series_columns();

 private:
  // What a pool does, and what it holds.
  enum Activity : std::uint8_t { kBusy, kPrompts, kDecodes, kPower, kTransfers, kActivities };
  enum Level : std::uint8_t { kMemory, kQueue, kAway, kLevels };

  struct Pool {
    PoolRole role;
    std::string llm;
    std::string machine;
    std::uint32_t machines;
    std::optional<std::size_t> shares_machines_of;
    std::optional<std::size_t> borrows_machines_of;
    Parallelism parallelism;
    std::uint32_t instances;
    double gpus;                ///< of its machines, or its share of them
    double capacity_bytes;      ///< of one instance
    KvRoom kv;                  ///< of one instance
    double price_per_hour;      ///< of the machines that are its own
    double on_price_per_hour;   ///< of all that it can have on
    double off_price_per_hour;  ///< of all machines, if all were off
    double provisioned_w;
    PowerModel power;
    TimeSeries<kActivities> activity;
    TimeSeries<kLevels> levels;
    std::array<double, kLevels> level{};
    double level_since_s = 0;
    std::vector<double> seconds_at_tokens;  ///< by tokens in the batch of an instance
  };
  struct InstanceUse {
    std::size_t pool;
    std::uint32_t machine;
    double busy_s = 0;
    double energy_j = 0;  ///< above idle
    double prompt_tokens = 0;
    double decode_tokens = 0;
    std::uint64_t segments = 0;
    double memory_bytes = 0;
    double peak_memory_bytes = 0;
    double memory_since_s = 0;
    double memory_byte_s = 0;
    std::uint32_t queued = 0;
    std::uint32_t peak_queued = 0;
    PoolRole role;
    double away_since_s = 0;
    double away_s = 0;
    std::uint32_t moves = 0;
  };

  struct PoolTime;
  static const FigureTable<PoolTime>& figures_over_time();
  Json over_time(const Pool& pool) const;

  void change_level(std::size_t index, Level level, double time_s, double by);
  PoolSums sums(std::size_t index) const;
  Json batch_tokens(const Pool& pool) const;
  double pool_energy_j(std::size_t index) const;
  double off_s(std::size_t pool, double from_s, double to_s) const;
  double idle_w_of_all() const;  ///< of pools that borrow machines, too
  double machines_on_s(std::size_t pool, double from_s, double to_s) const;
  /// Mean over a bucket of time.
  double off_instances(std::size_t pool, std::size_t bucket) const;

  TimeBase time_;  ///< of the series of all pools
  std::vector<Pool> pools_;
  std::vector<InstanceUse> instances_;
  OffTimes off_;
  double end_s_ = 0;
};

}  // namespace cleave
