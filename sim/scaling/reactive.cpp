#include <algorithm>
#include <cmath>
#include <deque>

#include "sim/scaling/common_settings.h"
#include "sim/scaling/scaling_policy.h"

namespace cleave {

namespace {

const Setting kTick = tick_setting();
const Setting kBacklog = backlog_setting();
const Setting kQueue{"target_queue", nullptr, "requests",
                     "that wait on a prompt or mixed instance, mean; else nobody looks",
                     in({0.01, 1e6, false})};
const Setting kKv = kv_setting();
const Setting kTtft{"target_ttft_s", nullptr, "s", "p90 of the last tick; else nobody looks",
                    in(kPositive)};
const Setting kTpot{"target_tpot_s", nullptr, "s", "p90 of the last tick; else nobody looks",
                    in(kPositive)};
const Setting kTolerance{"tolerance", 0.1, "", "as far off its target as this nothing is changed",
                         in({0, 1, false})};
const Setting kUp{"up_window_s", 0, "s",
                  "a side grows to the least that was wanted in so long a time",
                  in({0, 1e6, false})};
const Setting kDown = down_window_setting();

/// As Kubernetes' horizontal pod autoscaler (autoscaling/v2): of each side as many instances as
/// bring the figure that is furthest above its target down to it,
///     wanted = ceil(up * figure / target),
/// with a tolerance and two stabilisation windows. Prompt instances go by what they have to
/// compute, their queue and TTFT, token instances by their memory and TPOT, mixed ones by all of
/// these.
class Reactive : public ScalingPolicy {
 public:
  struct Settings {
    double tick_s, backlog_tokens, kv;
    std::optional<double> queue, ttft_s, tpot_s;
    double tolerance, up_window_s, down_window_s;
  };

  explicit Reactive(const Settings& settings) : settings_(settings) {}

  double first_s() const override { return settings_.tick_s; }
  double next_s(double now_s) const override { return now_s + settings_.tick_s; }

  void decide(const ScalingView& seen, std::vector<PoolSize>& sizes) override {
    for (const PoolRole role : {PoolRole::kPrompt, PoolRole::kToken, PoolRole::kMixed}) {
      const std::uint32_t now = machines(seen.pools, role);
      std::deque<Wanted>& history = wanted_[static_cast<std::size_t>(role)];
      history.push_back({seen.now_s, wanted(seen, role, now)});
      share_out(seen.pools, role, stabilised(history, seen.now_s, now), sizes);
    }
  }

 private:
  struct Wanted {
    double time_s;
    std::uint32_t machines;
  };

  static std::uint32_t machines(const std::vector<ScaledPool>& pools, PoolRole role) {
    std::uint32_t on = 0;
    for (const ScaledPool& pool : pools) on += pool.role == role ? pool.on : 0;
    return on;
  }

  /// How many times its target the worst figure of a side is.
  double ratio(const ScalingView& seen, PoolRole role) const {
    const ScaledSide& side = seen.side(role);
    double worst = 0;
    const auto look = [&](double value, double target) { worst = std::max(worst, value / target); };
    if (role != PoolRole::kToken) {
      look(static_cast<double>(side.pending_tokens) / side.up, settings_.backlog_tokens);
      if (settings_.queue) {
        look(static_cast<double>(side.queued + seen.stranded) / side.up, *settings_.queue);
      }
      if (settings_.ttft_s && seen.traffic.ttft_s) look(*seen.traffic.ttft_s, *settings_.ttft_s);
    }
    if (role != PoolRole::kPrompt) {
      look(side.reserved_share, settings_.kv);
      if (settings_.tpot_s && seen.traffic.tpot_s) look(*seen.traffic.tpot_s, *settings_.tpot_s);
    }
    return worst;
  }

  std::uint32_t wanted(const ScalingView& seen, PoolRole role, std::uint32_t on) const {
    const ScaledSide& side = seen.side(role);
    if (side.up == 0) return std::max<std::uint32_t>(on, seen.stranded > 0 ? 1 : 0);
    const double worst = ratio(seen, role);
    if (std::abs(worst - 1) <= settings_.tolerance) return on;
    const double per_machine = (side.up + side.loading) / std::max(1.0, 1.0 * on);
    return static_cast<std::uint32_t>(std::ceil(side.up * std::min(worst, 1e4) / per_machine));
  }

  std::uint32_t stabilised(std::deque<Wanted>& history, double now_s, std::uint32_t now) const {
    const double longest_s = std::max(settings_.up_window_s, settings_.down_window_s);
    while (history.front().time_s < now_s - longest_s) history.pop_front();
    std::uint32_t up = history.back().machines;
    std::uint32_t down = up;
    for (const Wanted& each : history) {
      if (each.time_s >= now_s - settings_.up_window_s) up = std::min(up, each.machines);
      if (each.time_s >= now_s - settings_.down_window_s) down = std::max(down, each.machines);
    }
    return std::clamp(now, std::min(up, down), std::max(up, down));
  }

  Settings settings_;
  std::array<std::deque<Wanted>, 3> wanted_;
};

ScalingPolicies::Make read(JsonReader& section) {
  const Reactive::Settings settings{kTick.number(section),
                                    kBacklog.number(section),
                                    kKv.number(section),
                                    kQueue.optional_number(section),
                                    kTtft.optional_number(section),
                                    kTpot.optional_number(section),
                                    kTolerance.number(section),
                                    kUp.number(section),
                                    kDown.number(section)};
  return [settings](const ScalingContext&) { return std::make_unique<Reactive>(settings); };
}

const ScalingPolicies::Entry kEntry{
    "reactive",
    "by backlog, queue, memory and latency against targets, as Kubernetes' autoscaler",
    {kTick, kBacklog, kQueue, kKv, kTtft, kTpot, kTolerance, kUp, kDown},
    read};

}  // namespace

}  // namespace cleave
