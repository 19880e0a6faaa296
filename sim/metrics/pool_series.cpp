#include "sim/metrics/pool_metrics.h"

namespace cleave {

namespace {

constexpr const char* kThere = "as in summary.json: `pools[].over_time`";

}  // namespace

/// What one pool was over time: means over a bucket.
struct PoolMetrics::PoolTime {
  const PoolMetrics& all;
  const Pool& pool;

  std::size_t index() const { return static_cast<std::size_t>(&pool - all.pools_.data()); }
  template <Activity Of>
  double active(std::size_t bucket) const {
    return pool.activity.mean(bucket, Of);
  }
  template <Level Of>
  double held(std::size_t bucket) const {
    return pool.levels.mean(bucket, Of);
  }
  double off(std::size_t bucket) const { return all.off_instances(index(), bucket); }
  double power_w(std::size_t bucket) const {
    const double idle_w = pool.power.idle_w();
    return idle_w * pool.instances + active<kPower>(bucket) - idle_w * off(bucket);
  }
  /// One of these of all buckets.
  template <auto Mean>
  Json means() const {
    Json values = Json::array();
    for (std::size_t i = 0; i < all.time_.size(); ++i) values.push_back((this->*Mean)(i));
    return values;
  }
};

const FigureTable<PoolMetrics::PoolTime>& PoolMetrics::figures_over_time() {
  using P = PoolTime;
  static const FigureTable<P> table{
      {"bucket_s", "s", "width of the buckets", [](const P& p) { return p.all.time_.width_s(); }},
      {"busy_instances", "", "that run an iteration",
       [](const P& p) { return p.means<&P::active<kBusy>>(); }},
      {"prompts", "", "in batches", [](const P& p) { return p.means<&P::active<kPrompts>>(); }},
      {"decodes", "", "sequences in batches",
       [](const P& p) { return p.means<&P::active<kDecodes>>(); }},
      {"transfers", "", "leaving", [](const P& p) { return p.means<&P::active<kTransfers>>(); }},
      {"power_w", "W", "idle power included", [](const P& p) { return p.means<&P::power_w>(); }},
      {"memory_bytes", "bytes", "in use", [](const P& p) { return p.means<&P::held<kMemory>>(); }},
      {"queued_requests", "requests", "waiting on an instance",
       [](const P& p) { return p.means<&P::held<kQueue>>(); }},
      {"mixed_instances", "", "that work for the mixed pool, or the other side",
       [](const P& p) { return p.means<&P::held<kAway>>(); }},
      {"off_instances", "", "that are off", [](const P& p) { return p.means<&P::off>(); }}};
  return table;
}

Json PoolMetrics::over_time(const Pool& pool) const {
  return figures_over_time().json({*this, pool});
}

struct PoolMetrics::SeriesLine {
  PoolTime time;
  std::size_t bucket;
};

const FigureTable<PoolMetrics::SeriesLine>& PoolMetrics::series_columns() {
  using L = SeriesLine;
  static const FigureTable<L> table{
      {"pool", "", "its number, from 0", [](const L& l) { return l.time.index(); }},
      {"from_s", "s", "where the bucket begins",
       [](const L& l) { return l.time.all.time_.from_s(l.bucket); }},
      {"length_s", "s", "how long it is; the last can be shorter than the others",
       [](const L& l) { return l.time.all.time_.length_s(l.bucket); }},
      {"busy_instances", "", kThere, [](const L& l) { return l.time.active<kBusy>(l.bucket); }},
      {"prompts", "", kThere, [](const L& l) { return l.time.active<kPrompts>(l.bucket); }},
      {"decodes", "", kThere, [](const L& l) { return l.time.active<kDecodes>(l.bucket); }},
      {"transfers", "", kThere, [](const L& l) { return l.time.active<kTransfers>(l.bucket); }},
      {"power_w", "W", kThere, [](const L& l) { return l.time.power_w(l.bucket); }},
      {"memory_bytes", "bytes", kThere, [](const L& l) { return l.time.held<kMemory>(l.bucket); }},
      {"queued_requests", "requests", kThere,
       [](const L& l) { return l.time.held<kQueue>(l.bucket); }},
      {"mixed_instances", "", kThere, [](const L& l) { return l.time.held<kAway>(l.bucket); }},
      {"off_instances", "", kThere, [](const L& l) { return l.time.off(l.bucket); }}};
  return table;
}

std::string PoolMetrics::series_csv() const {
  std::string text = series_columns().csv_header();
  for (const Pool& pool : pools_) {
    for (std::size_t i = 0; i < time_.size(); ++i) {
      series_columns().add_csv_line(text, {{*this, pool}, i}, Digits::kFewest);
    }
  }
  return text;
}

}  // namespace cleave
