#pragma once

#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/core/records.h"
#include "sim/explore/capacity.h"
#include "sim/explore/plan_spec.h"

namespace cleave {

/// What a simulation says, or several under different seeds: what breaks, how many times the worst
/// limit is above its value, and the summary's "slo" that this comes from.
struct Outcome {
  std::vector<std::string> breaks;
  double margin = 0;
  std::shared_ptr<const Json> slo;  ///< null: none; of copies the same, as it is long
  double e2e_p99_s = 0;
  double output_tokens = 0;  ///< mean of a request
  double tokens = 0;         ///< the same, of prompt and output
  /// When its run was ended early: `breaks` are the limits that were lost by then, and neither
  /// margin nor "slo" are known.
  double lost_at_s = std::numeric_limits<double>::infinity();
  static constexpr const char* kCapacity = "capacity";  ///< as one of `breaks`
  /// Not simulated, as by arithmetic no more than this share of its load can be carried, which is
  /// the margin.
  static Outcome beyond(double share);

  bool holds() const { return breaks.empty(); }
  bool in_full() const { return lost_at_s == std::numeric_limits<double>::infinity(); }
};

/// The simulations of one design, each made once. A cluster is tried in the plan's own run, which
/// may be short, under the first seed; what holds there is verified under every seed in a run that
/// is long enough for its percentiles to count. What breaks is simulated until that is certain
/// only, if not asked for in full; what cannot carry its load by arithmetic is not simulated.
///
/// What they say is asked for in a question, a function of nothing else: settle() asks it again and
/// again, simulating what it is found to need, and where cores are free, what it will need next if
/// simulations that are under way come out as expected. So the answer is the same whatever runs at
/// a time.
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

  using Question = std::function<void()>;
  void settle(const Question& question);

  // In questions:

  /// Of the plan's own run under the first seed.
  Outcome outcome(const Sizes& sizes, double rate_rps);
  /// The same, or where it holds, of the verifying run under all of them.
  Outcome verified(const Sizes& sizes, double rate_rps);
  /// The same, with all that breaks.
  Outcome in_full(const Sizes& sizes, double rate_rps);
  /// As outcome(), while no machine is out: what the cheapest look can rule out.
  bool hopeful(const Sizes& sizes, double rate_rps);
  /// Of its load that it could carry, by arithmetic.
  double share(const Sizes& sizes, double rate_rps);
  /// How long requests arrive in the verifying run: kTimesE2e times the P99 of E2E under the first
  /// seed, after what the scenario cuts off as warm-up; never less than in the plan's own run,
  /// which is the verifying one where it is as long as that.
  double verifying_s(const Sizes& sizes, double rate_rps) const;

  /// Of a request on average, over the verifying runs; all of these must have been made.
  double output_tokens(const Sizes& sizes, double rate_rps) const;
  double tokens(const Sizes& sizes, double rate_rps) const;

  // Between questions:

  /// All that they needed; of what was not simulated, `duration_s` is 0.
  std::vector<Trial> all() const;
  std::size_t simulations() const { return needed_.size(); }
  /// All that is known, for another process to go on with.
  Json known() const;
  void learn(const Json& known);

 private:
  double mean_of(double Outcome::*figure, const Sizes& sizes, double rate_rps) const;
  /// A run of so many seconds, or the plan's own.
  struct Run {
    Sizes sizes;
    double rate_rps;
    double duration_s;
    bool in_full;
    auto operator<=>(const Run&) const = default;
  };
  struct Simulated {
    Run run;
    std::int64_t seed;
    auto operator<=>(const Simulated&) const = default;
  };
  /// What a question cannot go on without; nothing where it cannot go on from a guess.
  struct Missing {
    std::vector<Simulated> runs;
  };
  using Guesses = std::map<Simulated, bool>;  ///< whether it will hold

  double own_s(double rate_rps) const;
  Run own_run(const Sizes& sizes, double rate_rps, bool in_full) const;
  Json scenario(const Run& run, std::int64_t seed) const;
  std::vector<Outcome> look_up(const Run& run, const std::vector<std::int64_t>& seeds);
  Outcome under_seeds(const Run& run);
  Outcome at_first(const Sizes& sizes, double rate_rps, bool in_full);
  const Capacity* capacity(const Sizes& sizes, double rate_rps);
  Outcome verified(const Sizes& sizes, double rate_rps, bool in_full);
  Outcome verified_alone(const Sizes& sizes, double rate_rps, bool in_full);
  template <class Look>
  Outcome whatever_fails(const Sizes& sizes, Look look);
  std::optional<Missing> missing(const Question& question, const Guesses& guesses);
  bool likely(const Simulated& one) const;
  std::optional<Simulated> next(const Question& question, const std::set<Simulated>& under_way);
  std::optional<ExpectedRequests> expected(const Simulated& one);
  std::string simulate(const Simulated& one, const std::optional<ExpectedRequests>& expected) const;

  const PlanSpec& spec_;
  const Design& design_;
  std::size_t parallel_;
  std::function<void()> progress_;
  double longer_;
  std::map<Simulated, Outcome> known_;
  std::map<Simulated, std::exception_ptr> failed_;
  std::set<Simulated> needed_;  ///< by a question, not by a guess
  /// What could not carry its rate, of what a question needed, and the share of it that it could.
  std::map<std::pair<Sizes, double>, double> beyond_;
  Guesses guesses_;  ///< under which a question is asked
  /// By rate, duration and seed; the pools make no difference.
  std::map<std::tuple<double, double, std::int64_t>, std::optional<ExpectedRequests>> expected_;
  std::optional<std::pair<double, DueWork>> due_;  ///< at the rate that was last asked for
  std::map<std::pair<std::size_t, double>, Capacity> capacity_;  ///< by layout and rate
};

}  // namespace cleave
