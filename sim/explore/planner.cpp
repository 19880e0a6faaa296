#include "sim/explore/planner.h"

#include <algorithm>
#include <cmath>

#include "sim/base/child_process.h"
#include "sim/results.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

constexpr double kRateStep = 0.01;  // of the rate; how exactly a throughput is found

template <class Of>
double sum(const Design& design, Sizes sizes, Of of) {
  double total = of(design.machines[0]) * sizes.first;
  if (design.machines.size() > 1) total += of(design.machines[1]) * sizes.second;
  return total;
}

std::uint32_t largest(const std::vector<std::uint32_t>& sizes) {
  return sizes.empty() ? 0 : sizes.back();
}

}  // namespace

Json Planner::scenario_of(const Design& design, Sizes sizes, double rate_rps,
                          std::int64_t seed) const {
  Json scenario = spec_.scenario;
  scenario["workload"]["rate_rps"] = rate_rps;
  scenario["workload"]["seed"] = seed;
  scenario["pools"] = Json::array();
  for (std::size_t i = 0; i < design.roles.size(); ++i) {
    scenario["pools"].push_back({{"role", design.roles[i]},
                                 {"machine", design.machines[i].name},
                                 {"count", i == 0 ? sizes.first : sizes.second}});
  }
  // The paper's baselines batch both phases on the machine with the fewest pending tokens.
  if (design.roles.size() == 1) scenario["scheduler"]["policy"] = "token_jsq";
  return scenario;
}

Outcome Planner::simulate_once(const Design& design, Sizes sizes, double rate_rps,
                               std::int64_t seed) {
  const Key key{&design, sizes.first, sizes.second, rate_rps, seed};
  if (const auto found = known_.find(key); found != known_.end()) return found->second;
  const Scenario scenario = read_scenario(scenario_of(design, sizes, rate_rps, seed));
  const Json told = Json::parse(in_child([&] {
    const Json summary = simulate(scenario);
    return Json{{"slo", summary["slo"]}, {"overload", summary["steady"]["overload"]}}.dump();
  }));
  Outcome outcome;
  outcome.margin = 1e300;
  outcome.slo = told["slo"];
  for (const Json& limit : told["slo"]["limits"]) {
    const double value = limit["value"].get<double>();
    if (value > 0) outcome.margin = std::min(outcome.margin, limit["limit"].get<double>() / value);
    if (!limit["holds"].get<bool>()) {
      outcome.breaks.push_back(limit["metric"].get<std::string>() + " " +
                               limit["percentile"].get<std::string>());
    }
  }
  if (told["overload"].get<bool>()) outcome.breaks.emplace_back("overload");
  if (outcome.breaks.empty() && !told["slo"]["holds"].get<bool>()) {
    outcome.breaks.emplace_back("requests not served");
  }
  known_[key] = outcome;
  progress_(known_.size());
  return outcome;
}

/// Under the first seed, and where that holds, under all of them.
Outcome Planner::outcome(const Design& design, Sizes sizes, double rate_rps) {
  Outcome worst;
  worst.margin = 1e300;
  for (const std::int64_t seed : spec_.seeds) {
    const Outcome one_seed = simulate_once(design, sizes, rate_rps, seed);
    if (one_seed.margin < worst.margin) worst = one_seed;
    worst.breaks = one_seed.breaks;
    if (!one_seed.holds()) break;
  }
  return worst;
}

double Planner::cost(const Design& design, Sizes sizes) {
  return sum(design, sizes, [](const Machine& machine) { return machine.price_per_hour; });
}

double Planner::power(const Design& design, Sizes sizes) {
  return sum(design, sizes, [](const Machine& machine) { return machine.provisioned_at_cap_w(); });
}

double Planner::machines(const Design&, Sizes sizes) { return sizes.first + sizes.second; }

double Planner::objective(const Design& design, Sizes sizes) const {
  switch (spec_.goal) {
    case PlanSpec::Goal::kPower:
      return power(design, sizes);
    case PlanSpec::Goal::kMachines:
      return machines(design, sizes);
    default:
      return cost(design, sizes);
  }
}

bool Planner::affordable(const Design& design, Sizes sizes) const {
  constexpr double kRounding = 1 + 1e-9;
  return (spec_.budget_cost_per_hour == 0 ||
          cost(design, sizes) <= spec_.budget_cost_per_hour * kRounding) &&
         (spec_.budget_power_w == 0 || power(design, sizes) <= spec_.budget_power_w * kRounding);
}

/// The cheapest feasible sizes below `beat`. For every size of the second pool, the largest first
/// pool that would still be an improvement is tried; where it holds, the smallest that holds is
/// found by bisection.
std::optional<Candidate> Planner::least(const Design& design, double beat) {
  std::optional<Candidate> best;
  const bool two = design.roles.size() == 2;
  const std::uint32_t most = design.most;
  const auto consider = [&](std::uint32_t second) {
    std::uint32_t high = most;
    while (high > 0 && (!affordable(design, {high, second}) ||
                        objective(design, {high, second}) >= beat * (1 - 1e-12))) {
      --high;
    }
    if (high == 0 || !holds(design, {high, second}, rate_rps_)) return;
    std::uint32_t low = 0;  // does not hold
    while (high - low > 1) {
      const std::uint32_t middle = (low + high) / 2;
      (holds(design, {middle, second}, rate_rps_) ? high : low) = middle;
    }
    best = Candidate{
        &design, {high, second}, rate_rps_, outcome(design, {high, second}, rate_rps_).margin};
    beat = objective(design, best->sizes);
  };
  if (!two) {
    consider(0);
    return best;
  }
  // A balanced start gives a bound that spares most of the others.
  consider(std::max<std::uint32_t>(1, most / 8));
  for (std::uint32_t second = 1; second <= most; ++second) consider(second);
  return best;
}

double Planner::highest_rate(const Design& design, Sizes sizes, double holds_at) {
  double low = holds_at;
  double high = holds_at * 2;
  while (holds(design, sizes, high)) {
    low = high;
    high *= 2;
  }
  while (high - low > kRateStep * low) {
    const double middle = (low + high) / 2;
    (holds(design, sizes, middle) ? low : high) = middle;
  }
  return low;
}

/// The highest rate above `beat` within the budget. For every size of the second pool the rest of
/// the budget goes into the first; only where that beats the best so far is its rate found.
std::optional<Candidate> Planner::fastest(const Design& design, double beat) {
  std::optional<Candidate> best;
  std::vector<std::uint32_t> seconds{0};
  if (design.roles.size() == 2) {
    // From a balanced one outwards, so that the first rates found are high and spare the others.
    seconds.clear();
    while (seconds.size() < design.most && affordable(design, {1, largest(seconds) + 1})) {
      seconds.push_back(largest(seconds) + 1);
    }
    const double middle = 0.4 * static_cast<double>(seconds.size());
    std::stable_sort(seconds.begin(), seconds.end(), [&](std::uint32_t a, std::uint32_t b) {
      return std::abs(a - middle) < std::abs(b - middle);
    });
  }
  for (const std::uint32_t second : seconds) {
    std::uint32_t first = design.most;
    while (first > 0 && !affordable(design, {first, second})) --first;
    if (first == 0) continue;
    const double try_rps = beat * (1 + kRateStep);
    if (!holds(design, {first, second}, try_rps)) continue;
    beat = highest_rate(design, {first, second}, try_rps);
    best = Candidate{&design, {first, second}, beat, outcome(design, {first, second}, beat).margin};
  }
  return best;
}

bool Planner::better(const Candidate& a, const Candidate& b) const {
  if (spec_.goal == PlanSpec::Goal::kThroughput) return a.rate_rps > b.rate_rps;
  const double left = objective(*a.design, a.sizes);
  const double right = objective(*b.design, b.sizes);
  return left != right ? left < right : a.margin > b.margin;
}

/// Other sizes of the same design that cost the same and hold, the widest margin first.
std::vector<Candidate> Planner::ties(const Candidate& best) {
  std::vector<Candidate> all{best};
  const Design& design = *best.design;
  if (spec_.goal == PlanSpec::Goal::kThroughput || design.roles.size() == 1) return all;
  const double target = objective(design, best.sizes);
  for (const int direction : {-1, 1}) {
    for (int second = static_cast<int>(best.sizes.second) + direction;
         second >= 1 && second <= static_cast<int>(design.most); second += direction) {
      Sizes sizes{1, static_cast<std::uint32_t>(second)};
      while (sizes.first < design.most && objective(design, sizes) < target * (1 - 1e-12)) {
        ++sizes.first;
      }
      if (std::abs(objective(design, sizes) - target) > target * 1e-9) continue;
      const Outcome found = outcome(design, sizes, rate_rps_);
      if (!found.holds()) break;
      all.push_back({&design, sizes, rate_rps_, found.margin});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Candidate& a, const Candidate& b) { return a.margin > b.margin; });
  return all;
}

}  // namespace cleave
