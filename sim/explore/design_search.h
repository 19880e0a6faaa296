#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/explore/trials.h"

namespace cleave {

struct Candidate {
  Sizes sizes;
  double rate_rps = 0;
  double margin = 0;
};

/// Searches the sizes of one design, in all its layouts. Only what its verifying run says holds is
/// an answer.
class DesignSearch {
 public:
  /// `longer` as in Trials.
  DesignSearch(const PlanSpec& spec, const Design& design, std::size_t parallel,
               std::function<void()> progress, double longer = 1);

  const Design& design() const { return design_; }
  Trials& trials() { return trials_; }
  const Trials& trials() const { return trials_; }

  /// kNoPrice where a machine's price is unknown.
  double cost_per_hour(const Sizes& sizes) const;
  double provisioned_w(const Sizes& sizes) const;
  double machines(const Sizes& sizes) const;
  /// Of all machines, whether an instance uses them or not.
  double gpus(const Sizes& sizes) const;
  /// $ for the whole cluster, at the planned rate of requests of the length of those simulated;
  /// kNoPrice where a price is unknown.
  double cost_per_million_output_tokens(const Candidate& candidate) const;
  /// The same of prompt and output tokens.
  double cost_per_million_tokens(const Candidate& candidate) const;
  /// What the goal counts; not for the goal of throughput.
  double objective(const Sizes& sizes) const;
  bool affordable(const Sizes& sizes) const;

  /// What serves the plan's goal best, if anything is feasible.
  std::optional<Candidate> best();
  /// `best` and other sizes of its layout within the budget that cost the same and hold, the widest
  /// margin first; of more than two pools those that trade one pool for the first.
  std::vector<Candidate> ties(const Candidate& best);
  /// Why best() found nothing: what breaks of the cluster that came nearest to holding.
  std::string why_not();

 private:
  /// At `tokens` of a request.
  double cost_per_million(const Candidate& candidate, double tokens) const;
  /// Sizes of all pools but the first, whose size is found: from `low` to `high`.
  struct Box {
    Sizes low;
    Sizes high;
    bool single() const { return low == high; }
    std::pair<Box, Box> halves() const;
  };

  bool holds(const Sizes& sizes, double rate_rps) {
    return trials_.outcome(sizes, rate_rps).holds();
  }
  bool verified(const Sizes& sizes, double rate_rps) {
    return trials_.verified(sizes, rate_rps).holds();
  }
  Candidate candidate(const Sizes& sizes, double rate_rps);
  Box all_sizes(std::size_t layout) const;
  template <class Allowed>
  Sizes with_most_first(const Sizes& others, Allowed allowed) const;
  template <class Allowed, class Improve>
  void improve_within(Box box, Allowed allowed, const std::function<double()>& rate_rps,
                      Improve improve);

  std::vector<Candidate> find_ties(const Candidate& best);
  std::optional<Candidate> least();
  bool better(const Sizes& sizes, const std::optional<Candidate>& best) const;
  void improve_least(const Sizes& others, std::optional<Candidate>& best);
  std::optional<Candidate> fastest();
  void climb_fastest(const Box& box, std::optional<Candidate>& best);
  bool improve_fastest(const Sizes& others, std::optional<Candidate>& best);
  double highest_rate(const Sizes& sizes, double guess, double first_step);
  double verified_rate(const Sizes& sizes, double high, double low);

  const PlanSpec& spec_;
  const Design& design_;
  double rate_rps_;
  Trials trials_;
};

}  // namespace cleave
