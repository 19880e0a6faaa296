#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/explore/trials.h"

namespace cleave {

struct Candidate {
  Sizes sizes;
  double rate_rps = 0;
  double margin = 0;
};

/// Searches the sizes of one design. Only what its verifying run says holds is an answer.
class DesignSearch {
 public:
  DesignSearch(const PlanSpec& spec, const Design& design, std::size_t parallel,
               std::function<void()> progress);

  const Design& design() const { return design_; }
  Trials& trials() { return trials_; }
  const Trials& trials() const { return trials_; }

  /// kNoPrice where a machine's price is unknown.
  double cost_per_hour(Sizes sizes) const;
  double provisioned_w(Sizes sizes) const;
  double machines(Sizes sizes) const { return sizes.first + 1.0 * sizes.second; }
  /// What the goal counts; not for the goal of throughput.
  double objective(Sizes sizes) const;
  bool affordable(Sizes sizes) const;

  /// What serves the plan's goal best, if anything is feasible.
  std::optional<Candidate> best();
  /// `best` and other sizes within the budget that cost the same and hold, the widest margin first.
  std::vector<Candidate> ties(const Candidate& best);
  /// Why best() found nothing: what breaks of the cluster that came nearest to holding.
  std::string why_not() const;

 private:
  bool holds(Sizes sizes, double rate_rps) { return trials_.outcome(sizes, rate_rps).holds(); }
  bool verified(Sizes sizes, double rate_rps) { return trials_.verified(sizes, rate_rps).holds(); }
  Candidate candidate(Sizes sizes, double rate_rps);
  std::optional<Candidate> least();
  bool improve_least(std::uint32_t second, std::optional<Candidate>& best);
  std::optional<Candidate> fastest();
  bool improve_fastest(std::uint32_t second, std::optional<Candidate>& best);
  double highest_rate(Sizes sizes, double guess, double first_step);
  double verified_rate(Sizes sizes, double high, double low);

  const PlanSpec& spec_;
  const Design& design_;
  double rate_rps_;
  Trials trials_;
};

}  // namespace cleave
