#pragma once

#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/explore/plan_spec.h"

namespace cleave {

/// What a simulation says, or several under different seeds: what breaks, how many times the worst
/// limit is above its value, and the summary's "slo" that this comes from.
struct Outcome {
  std::vector<std::string> breaks;
  double margin = 0;
  Json slo;
  double e2e_p99_s = 0;
  double output_tokens = 0;  ///< mean of a request
  bool holds() const { return breaks.empty(); }
};

/// The simulations of one design, each made once. A cluster is tried in the plan's own run, which
/// may be short, and verified in one that is long enough for its percentiles to count.
class Trials {
 public:
  static constexpr double kTimesE2e = 20;

  struct Trial {
    Sizes sizes;
    double rate_rps = 0;
    double duration_s = 0;  ///< of the longest run
    Outcome outcome;        ///< the worst of all
  };

  /// At most `parallel` simulations at a time; `progress` is called after each, also in processes
  /// forked from this one. `longer`: how many times as long everything takes as is simulated. Such
  /// a cluster at a rate is one that is as fast as simulated, at a rate so many times as high and
  /// with limits so many times as short: time has another unit.
  Trials(const PlanSpec& spec, const Design& design, std::size_t parallel,
         std::function<void()> progress, double longer = 1);

  /// Of the plan's own run: under the first seed, and where that holds, under all of them.
  Outcome outcome(const Sizes& sizes, double rate_rps);
  /// The same, and where it holds, of the verifying run too.
  Outcome verified(const Sizes& sizes, double rate_rps);
  /// Whether the plan's own run holds under the first seed: what the cheapest look can rule out.
  bool hopeful(const Sizes& sizes, double rate_rps);
  /// How long requests arrive in the verifying run: kTimesE2e times the P99 of E2E under the first
  /// seed, after what the scenario cuts off as warm-up; never less than in the plan's own run,
  /// which is the verifying one where it is as long as that.
  double verifying_s(const Sizes& sizes, double rate_rps) const;

  /// Of a request on average, over the verifying runs; all of these must have been made.
  double output_tokens(const Sizes& sizes, double rate_rps) const;

  /// Everything that was simulated.
  std::vector<Trial> all() const;
  std::size_t simulations() const { return known_.size(); }
  /// All that was simulated, for another process to go on with.
  Json known() const;
  void learn(const Json& known);

 private:
  /// A run of so many seconds, or the plan's own.
  struct Run {
    Sizes sizes;
    double rate_rps;
    double duration_s;
  };
  using Key = std::tuple<Sizes, double, double, std::int64_t>;

  static Key key(const Run& run, std::int64_t seed) {
    return {run.sizes, run.rate_rps, run.duration_s, seed};
  }
  double own_s(double rate_rps) const;
  Json scenario(const Run& run, std::int64_t seed) const;
  Outcome under_seeds(const Run& run);
  void simulate_missing(const Run& run, const std::vector<std::int64_t>& seeds);

  const PlanSpec& spec_;
  const Design& design_;
  std::size_t parallel_;
  std::function<void()> progress_;
  double longer_;
  std::map<Key, Outcome> known_;
};

}  // namespace cleave
