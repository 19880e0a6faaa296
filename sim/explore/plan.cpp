#include "sim/explore/plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>

#include "sim/base/child_process.h"
#include "sim/results.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

constexpr double kRateStep = 0.01;  // of the rate; how exactly a throughput is found

/// Machines of each pool of a design; the second is 0 where there is one pool.
struct Sizes {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
};

/// What one simulation says: what breaks, and how far the worst limit is away.
struct Outcome {
  std::vector<std::string> breaks;
  double margin = 0;
  bool holds() const { return breaks.empty(); }
};

struct Candidate {
  const Design* design;
  Sizes sizes;
  double rate_rps;
  double margin;
};

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
  /// The sum over the machines of what the goal counts, or of what a budget limits.
  static double sum(const Design& design, Sizes sizes, double (*of)(const Machine&));
  double objective(const Design& design, Sizes sizes) const;
  bool affordable(const Design& design, Sizes sizes) const;

  std::optional<Candidate> least(const Design& design, double beat);
  std::optional<Candidate> fastest(const Design& design, double beat);
  double highest_rate(const Design& design, Sizes sizes, double holds_at);
  std::vector<Candidate> ties(const Candidate& best);
  bool better(const Candidate& a, const Candidate& b) const;
  Json describe(const Candidate& candidate) const;
  Json neighbours(const Candidate& best);
  Json headroom(const Candidate& best);
  Json pareto(const std::vector<Candidate>& found) const;
  std::string why_not();

  using Key = std::tuple<const Design*, std::uint32_t, std::uint32_t, double, std::int64_t>;
  const PlanSpec& spec_;
  const std::function<void(std::size_t)>& progress_;
  double rate_rps_;
  std::map<Key, Outcome> known_;
};

double price(const Machine& machine) { return machine.price_per_hour; }
double power(const Machine& machine) { return machine.provisioned_at_cap_w(); }
double one(const Machine&) { return 1; }

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
    worst.margin = std::min(worst.margin, one_seed.margin);
    worst.breaks = one_seed.breaks;
    if (!one_seed.holds()) break;
  }
  return worst;
}

double Planner::sum(const Design& design, Sizes sizes, double (*of)(const Machine&)) {
  double total = of(design.machines[0]) * sizes.first;
  if (design.machines.size() > 1) total += of(design.machines[1]) * sizes.second;
  return total;
}

double Planner::objective(const Design& design, Sizes sizes) const {
  switch (spec_.goal) {
    case PlanSpec::Goal::kPower:
      return sum(design, sizes, power);
    case PlanSpec::Goal::kMachines:
      return sum(design, sizes, one);
    default:
      return sum(design, sizes, price);
  }
}

bool Planner::affordable(const Design& design, Sizes sizes) const {
  constexpr double kRounding = 1 + 1e-9;
  return (spec_.budget_cost_per_hour == 0 ||
          sum(design, sizes, price) <= spec_.budget_cost_per_hour * kRounding) &&
         (spec_.budget_power_w == 0 ||
          sum(design, sizes, power) <= spec_.budget_power_w * kRounding);
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

std::uint32_t largest(const std::vector<std::uint32_t>& sizes) {
  return sizes.empty() ? 0 : sizes.back();
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

Json Planner::describe(const Candidate& candidate) const {
  const Design& design = *candidate.design;
  Json pools = scenario_of(design, candidate.sizes, candidate.rate_rps, spec_.seeds[0])["pools"];
  return {{"design", design.name},
          {"pools", pools},
          {"machines", sum(design, candidate.sizes, one)},
          {"cost_per_hour", sum(design, candidate.sizes, price)},
          {"provisioned_w", sum(design, candidate.sizes, power)},
          {"rate_rps", candidate.rate_rps},
          {"margin", candidate.margin}};
}

Json Planner::neighbours(const Candidate& best) {
  Json all = Json::array();
  for (std::size_t i = 0; i < best.design->roles.size(); ++i) {
    Sizes sizes = best.sizes;
    std::uint32_t& size = i == 0 ? sizes.first : sizes.second;
    const std::string change = "one " + best.design->roles[i] + " machine less";
    if (--size == 0) {
      all.push_back({{"change", change},
                     {"breaks", Json{"no " + best.design->roles[i] + " machine is left"}}});
    } else {
      all.push_back(
          {{"change", change}, {"breaks", outcome(*best.design, sizes, best.rate_rps).breaks}});
    }
  }
  return all;
}

Json Planner::headroom(const Candidate& best) {
  Json all = neighbours(best);
  for (const double factor : {1.1, 1.2}) {
    const int more = static_cast<int>(std::lround((factor - 1) * 100));
    all.push_back({{"change", std::to_string(more) + " % more traffic"},
                   {"breaks", outcome(*best.design, best.sizes, best.rate_rps * factor).breaks}});
  }
  return all;
}

/// Of the best of each design, those that no other one beats in cost, power and rate at once.
Json Planner::pareto(const std::vector<Candidate>& found) const {
  const auto figures = [](const Candidate& c) {
    return std::array<double, 3>{sum(*c.design, c.sizes, price), sum(*c.design, c.sizes, power),
                                 -c.rate_rps};
  };
  Json front = Json::array();
  for (const Candidate& one_found : found) {
    const auto mine = figures(one_found);
    const bool beaten = std::any_of(found.begin(), found.end(), [&](const Candidate& other) {
      const auto theirs = figures(other);
      return theirs != mine && theirs[0] <= mine[0] && theirs[1] <= mine[1] && theirs[2] <= mine[2];
    });
    if (!beaten) front.push_back(one_found.design->name);
  }
  return front;
}

std::string Planner::why_not() {
  std::string text;
  for (const Design& design : spec_.designs) {
    Sizes sizes{design.most, design.roles.size() == 2 ? design.most : 0};
    while (!affordable(design, sizes) && sizes.first > 1) {
      --sizes.first;
      if (sizes.second > 1) --sizes.second;
    }
    if (!text.empty()) text += "; ";
    text += design.name;
    if (!affordable(design, sizes)) {
      text += ": the budget does not pay for one machine of each pool";
      continue;
    }
    text += " breaks";
    for (const std::string& limit : outcome(design, sizes, rate_rps_).breaks)
      text += " " + limit + ",";
    if (text.back() == ',') text.pop_back();
    text += " even with " + std::to_string(sizes.first + sizes.second) + " machines";
  }
  return text;
}

Json Planner::plan() {
  const bool fastest_wanted = spec_.goal == PlanSpec::Goal::kThroughput;
  constexpr double kSlowest = 0.02;  // of the scenario's rate
  std::vector<Candidate> found;
  for (const Design& design : spec_.designs) {
    // Each design is searched on its own, so that all of them can be compared.
    const auto best = fastest_wanted ? fastest(design, rate_rps_ * kSlowest) : least(design, 1e300);
    if (best) found.push_back(*best);
  }
  Json result;
  if (found.empty()) {
    result = {{"optimum", nullptr}, {"why_not", why_not()}};
  } else {
    const Candidate first =
        *std::min_element(found.begin(), found.end(),
                          [&](const Candidate& a, const Candidate& b) { return better(a, b); });
    const std::vector<Candidate> equal = ties(first);
    result = {{"optimum", describe(equal.front())}, {"why_not", nullptr}, {"ties", Json::array()}};
    for (const Candidate& tie : equal) result["ties"].push_back(describe(tie));
    result["designs"] = Json::array();
    for (const Candidate& each : found) result["designs"].push_back(describe(each));
    result["pareto"] = pareto(found);
    result["headroom"] = headroom(equal.front());
  }
  result["seeds"] = spec_.seeds;
  result["simulations"] = known_.size();
  return result;
}

}  // namespace

Json find_plan(const PlanSpec& spec, const std::function<void(std::size_t)>& progress) {
  return Planner(spec, progress).plan();
}

}  // namespace cleave
