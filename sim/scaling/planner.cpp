#include <algorithm>
#include <cmath>
#include <deque>

#include "sim/scaling/common_settings.h"
#include "sim/scaling/scaling_policy.h"

namespace cleave {

namespace {

const Setting kTick = tick_setting();
const Setting kPredictor{
    "predictor", "linear", "",
    "of the rate when new machines are up: constant (the last), max, mean or linear (a line) "
    "of the last history_s",
    one_of({"constant", "max", "mean", "linear"})};
const Setting kHistory{"history_s", 600, "s", "that the predictor looks back",
                       in({0.1, 1e6, false})};
const Setting kHeadroom{"headroom", 1.2, "times", "what is predicted is carried with so much room",
                        in({0.1, 100, false})};
const Setting kTpot{
    "tpot_s", nullptr, "s",
    "time per token that capacity is meant for; else by the SLO, or what memory holds",
    in(kPositive)};
const Setting kDown = down_window_setting();

enum class Predictor : std::uint8_t { kConstant, kMax, kMean, kLinear };

/// As the planner of Dynamo: each side has as many machines as the predicted load takes at their
/// profiled capacity. Here the capacity comes from the latency model.
class Planner : public ScalingPolicy {
 public:
  struct Settings {
    double tick_s;
    Predictor predictor;
    double history_s, headroom;
    std::optional<double> tpot_s;
    double down_window_s;
  };

  Planner(const Settings& settings, const ScalingContext& context)
      : settings_(settings),
        capacity_(context.capacity),
        first_pool_(context.first_pool),
        tpot_s_(settings.tpot_s.value_or(context.tpot_limit_s.value_or(kNever))) {}

  double first_s() const override { return settings_.tick_s; }
  double next_s(double now_s) const override { return now_s + settings_.tick_s; }

  void decide(const ScalingView& seen, std::vector<PoolSize>& sizes) override {
    const SeenTraffic& traffic = seen.traffic;
    rates_.push_back({seen.now_s, traffic.requests_rps});
    while (rates_.front().time_s <= seen.now_s - settings_.history_s) rates_.pop_front();
    if (traffic.prompt_tokens > 0) prompt_tokens_ = traffic.prompt_tokens;
    if (prompt_tokens_ == 0 || traffic.output_tokens == 0) {
      if (seen.stranded > 0) start_one(seen.pools, sizes);
      return;  // nothing is known yet
    }
    for (const PoolRole role : {PoolRole::kPrompt, PoolRole::kToken, PoolRole::kMixed}) {
      choose(seen, role, traffic.output_tokens, sizes);
    }
  }

 private:
  struct Rate {
    double time_s;
    double rps;
  };
  struct Wanted {
    double time_s;
    std::uint32_t machines;
  };

  /// A machine of each role, for the first requests.
  static void start_one(const std::vector<ScaledPool>& pools, std::vector<PoolSize>& sizes) {
    for (const PoolRole role : {PoolRole::kPrompt, PoolRole::kToken, PoolRole::kMixed}) {
      std::uint32_t on = 0;
      for (const ScaledPool& pool : pools) on += pool.role == role ? pool.on : 0;
      if (on == 0) share_out(pools, role, 1, sizes);
    }
  }

  double predicted_rps(double ahead_s) const {
    const auto less = [](const Rate& a, const Rate& b) { return a.rps < b.rps; };
    switch (settings_.predictor) {
      case Predictor::kConstant:
        return rates_.back().rps;
      case Predictor::kMax:
        return std::max_element(rates_.begin(), rates_.end(), less)->rps;
      case Predictor::kMean:
        return line().first;
      default:
        const auto [mean, slope] = line();
        const double middle_s = (rates_.front().time_s + rates_.back().time_s) / 2;
        return std::max(0.0, mean + slope * (rates_.back().time_s + ahead_s - middle_s));
    }
  }
  /// Mean and slope of the line nearest to the rates of equally spaced times.
  std::pair<double, double> line() const {
    const auto count = static_cast<double>(rates_.size());
    double mean = 0;
    double mean_s = 0;
    for (const Rate& rate : rates_) {
      mean += rate.rps / count;
      mean_s += rate.time_s / count;
    }
    double along = 0;
    double squares = 0;
    for (const Rate& rate : rates_) {
      along += (rate.time_s - mean_s) * (rate.rps - mean);
      squares += (rate.time_s - mean_s) * (rate.time_s - mean_s);
    }
    return {mean, squares > 0 ? along / squares : 0};
  }

  /// Pool by pool, until the load is carried.
  void choose(const ScalingView& seen, PoolRole role, double output_tokens,
              std::vector<PoolSize>& sizes) {
    double share = 1;
    std::uint32_t machines = 0;
    bool any = false;
    for (std::size_t i = 0; i < seen.pools.size(); ++i) {
      const ScaledPool& pool = seen.pools[i];
      if (pool.role != role) continue;
      any = true;
      const double load_rps =
          settings_.headroom *
          predicted_rps(capacity_.start_up_s(first_pool_ + i) + settings_.tick_s);
      const double each_rps =
          capacity_.requests_rps(first_pool_ + i, prompt_tokens_, output_tokens, tpot_s_);
      if (load_rps <= 0 || each_rps <= 0) continue;
      const double needed = std::ceil(share * load_rps / each_rps - 1e-9);
      const auto taken = static_cast<std::uint32_t>(std::min(needed, 1.0 * pool.machines));
      machines += taken;
      share = std::max(0.0, share - taken * each_rps / load_rps);
    }
    if (any) share_out(seen.pools, role, stabilised(seen.now_s, role, machines), sizes);
  }

  std::uint32_t stabilised(double now_s, PoolRole role, std::uint32_t machines) {
    std::deque<Wanted>& history = wanted_[static_cast<std::size_t>(role)];
    history.push_back({now_s, machines});
    while (history.front().time_s < now_s - settings_.down_window_s) history.pop_front();
    for (const Wanted& each : history) machines = std::max(machines, each.machines);
    return machines;
  }

  Settings settings_;
  const PoolCapacity& capacity_;
  std::size_t first_pool_;
  double tpot_s_;
  double prompt_tokens_ = 0;
  std::deque<Rate> rates_;
  std::array<std::deque<Wanted>, 3> wanted_;
};

ScalingPolicies::Make read(JsonReader& section) {
  const std::string predictor = kPredictor.choice(section);
  const Planner::Settings settings{kTick.number(section),
                                   predictor == "constant" ? Predictor::kConstant
                                   : predictor == "max"    ? Predictor::kMax
                                   : predictor == "mean"   ? Predictor::kMean
                                                           : Predictor::kLinear,
                                   kHistory.number(section),
                                   kHeadroom.number(section),
                                   kTpot.optional_number(section),
                                   kDown.number(section)};
  return [settings](const ScalingContext& context) {
    return std::make_unique<Planner>(settings, context);
  };
}

const ScalingPolicies::Entry kEntry{"planner",
                                    "predicted load over profiled capacity, as Dynamo's planner",
                                    {kTick, kPredictor, kHistory, kHeadroom, kTpot, kDown},
                                    read};

}  // namespace

}  // namespace cleave
