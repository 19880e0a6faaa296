#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/explore/plan_spec.h"

namespace cleave {

/// Machines of each pool of a design; the second is 0 where there is one pool.
struct Sizes {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  bool operator==(const Sizes&) const = default;
};

/// What a simulation says, or several under different seeds: what breaks, how many times the worst
/// limit is above its value, and the summary's "slo" that this comes from.
struct Outcome {
  std::vector<std::string> breaks;
  double margin = 0;
  Json slo;
  bool holds() const { return breaks.empty(); }
};

struct Candidate {
  Sizes sizes;
  double rate_rps = 0;
  double margin = 0;
};

/// Searches the sizes of one design, and remembers what was simulated.
class DesignSearch {
 public:
  /// At most `parallel` simulations at a time; `progress` is called after each, also in processes
  /// forked from this one.
  DesignSearch(const PlanSpec& spec, const Design& design, std::size_t parallel,
               std::function<void()> progress);

  const Design& design() const { return design_; }
  double cost_per_hour(Sizes sizes) const;
  double provisioned_w(Sizes sizes) const;
  double machines(Sizes sizes) const { return sizes.first + 1.0 * sizes.second; }
  /// What the goal counts; not for the goal of throughput.
  double objective(Sizes sizes) const;
  bool affordable(Sizes sizes) const;
  Json scenario(Sizes sizes, double rate_rps, std::int64_t seed) const;

  /// Under the first seed, and where that holds, under all of them.
  Outcome outcome(Sizes sizes, double rate_rps);
  /// What serves the plan's goal best, if anything is feasible.
  std::optional<Candidate> best();
  /// `best` and other sizes that cost the same and hold, the widest margin first.
  std::vector<Candidate> ties(const Candidate& best);

  /// Everything that was simulated, with the worst of its seeds.
  std::vector<std::pair<Candidate, Outcome>> simulated() const;
  std::size_t simulations() const { return known_.size(); }
  /// All that was simulated, for another process to go on with.
  Json known() const;
  void learn(const Json& known);

 private:
  using Key = std::tuple<std::uint32_t, std::uint32_t, double, std::int64_t>;

  void simulate_missing(Sizes sizes, double rate_rps, const std::vector<std::int64_t>& seeds);
  bool holds(Sizes sizes, double rate_rps) { return outcome(sizes, rate_rps).holds(); }
  std::optional<Candidate> least();
  bool improve_least(std::uint32_t second, std::optional<Candidate>& best);
  std::optional<Candidate> fastest();
  bool improve_fastest(std::uint32_t second, std::optional<Candidate>& best);
  double highest_rate(Sizes sizes, double guess, double first_step);

  const PlanSpec& spec_;
  const Design& design_;
  std::size_t parallel_;
  std::function<void()> progress_;
  double rate_rps_;
  std::map<Key, Outcome> known_;
};

}  // namespace cleave
