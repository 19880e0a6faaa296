#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "sim/explore/plan_spec.h"

namespace cleave {

/// Machines of each pool of a design; the second is 0 where there is one pool.
struct Sizes {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
};

/// What one simulation says: what breaks, and how far the worst limit is away.
struct Outcome {
  std::vector<std::string> breaks;
  double margin = 0;
  Json slo;  ///< of the summary: the limits and their values
  bool holds() const { return breaks.empty(); }
};

struct Candidate {
  const Design* design;
  Sizes sizes;
  double rate_rps;
  double margin;
};

/// The search behind find_plan(), and what it tells of it.
class Planner {
 public:
  Planner(const PlanSpec& spec, const std::function<void(std::size_t)>& progress)
      : spec_(spec),
        progress_(progress),
        rate_rps_(spec.scenario["workload"]["rate_rps"].get<double>()) {}

  Json plan();

 private:
  Json scenario_of(const Design& design, Sizes sizes, double rate_rps, std::int64_t seed) const;
  Outcome simulate_once(const Design& design, Sizes sizes, double rate_rps, std::int64_t seed);
  Outcome outcome(const Design& design, Sizes sizes, double rate_rps);
  bool holds(const Design& design, Sizes sizes, double rate_rps) {
    return outcome(design, sizes, rate_rps).holds();
  }
  /// Sums over the machines: $/h, W, and how many.
  static double cost(const Design& design, Sizes sizes);
  static double power(const Design& design, Sizes sizes);
  static double machines(const Design& design, Sizes sizes);
  double objective(const Design& design, Sizes sizes) const;
  bool affordable(const Design& design, Sizes sizes) const;

  std::optional<Candidate> least(const Design& design, double beat);
  std::optional<Candidate> fastest(const Design& design, double beat);
  double highest_rate(const Design& design, Sizes sizes, double holds_at);
  std::vector<Candidate> ties(const Candidate& best);
  bool better(const Candidate& a, const Candidate& b) const;
  Json describe(const Candidate& candidate) const;
  Json question() const;
  Json neighbours(const Candidate& best);
  Json headroom(const Candidate& best);
  Json candidates() const;
  Json pareto(const std::vector<Candidate>& found) const;
  std::string why_not();

  using Key = std::tuple<const Design*, std::uint32_t, std::uint32_t, double, std::int64_t>;
  const PlanSpec& spec_;
  const std::function<void(std::size_t)>& progress_;
  double rate_rps_;
  std::map<Key, Outcome> known_;
};

}  // namespace cleave
