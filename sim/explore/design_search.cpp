#include "sim/explore/design_search.h"

#include <algorithm>
#include <cmath>

#include "sim/base/error.h"
#include "sim/explore/process_pool.h"
#include "sim/results.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

constexpr double kRateStep = 0.01;  // of the rate; how exactly a throughput is found

Outcome read_outcome(const Json& summary) {
  Outcome outcome;
  outcome.margin = 1e300;
  outcome.slo = summary["slo"];
  for (const Json& limit : summary["slo"]["limits"]) {
    const double value = limit["value"].get<double>();
    if (value > 0) outcome.margin = std::min(outcome.margin, limit["limit"].get<double>() / value);
    if (!limit["holds"].get<bool>()) {
      outcome.breaks.push_back(limit["metric"].get<std::string>() + " " +
                               limit["percentile"].get<std::string>());
    }
  }
  if (summary["steady"]["overload"].get<bool>()) outcome.breaks.emplace_back("overload");
  if (outcome.breaks.empty() && !summary["slo"]["holds"].get<bool>()) {
    outcome.breaks.emplace_back("requests not served");
  }
  return outcome;
}

/// The narrowest margin of both, and what breaks under either.
void worsen(Outcome& worst, const Outcome& other) {
  if (!other.holds()) worst.breaks = other.breaks;
  if (other.margin >= worst.margin) return;
  worst.margin = other.margin;
  worst.slo = other.slo;
}

}  // namespace

DesignSearch::DesignSearch(const PlanSpec& spec, const Design& design, std::size_t parallel,
                           std::function<void()> progress)
    : spec_(spec),
      design_(design),
      parallel_(parallel),
      progress_(std::move(progress)),
      rate_rps_(spec.scenario["workload"]["rate_rps"].get<double>()) {}

double DesignSearch::cost_per_hour(Sizes sizes) const {
  return design_.machines.front().price_per_hour * sizes.first +
         design_.machines.back().price_per_hour * sizes.second;
}

double DesignSearch::provisioned_w(Sizes sizes) const {
  return design_.machines.front().provisioned_at_cap_w() * sizes.first +
         design_.machines.back().provisioned_at_cap_w() * sizes.second;
}

double DesignSearch::objective(Sizes sizes) const {
  switch (spec_.goal) {
    case PlanSpec::Goal::kPower:
      return provisioned_w(sizes);
    case PlanSpec::Goal::kMachines:
      return machines(sizes);
    default:
      return cost_per_hour(sizes);
  }
}

bool DesignSearch::affordable(Sizes sizes) const {
  constexpr double kRounding = 1 + 1e-9;
  return (spec_.budget_cost_per_hour == 0 ||
          cost_per_hour(sizes) <= spec_.budget_cost_per_hour * kRounding) &&
         (spec_.budget_power_w == 0 || provisioned_w(sizes) <= spec_.budget_power_w * kRounding);
}

Json DesignSearch::scenario(Sizes sizes, double rate_rps, std::int64_t seed) const {
  Json scenario = spec_.scenario;
  scenario["workload"]["rate_rps"] = rate_rps;
  scenario["workload"]["seed"] = seed;
  scenario["pools"] = design_pools(design_, {sizes.first, sizes.second});
  // The paper's baselines batch both phases on the machine with the fewest pending tokens.
  if (design_.roles.size() == 1) scenario["scheduler"]["policy"] = "token_jsq";
  return scenario;
}

void DesignSearch::simulate_missing(Sizes sizes, double rate_rps,
                                    const std::vector<std::int64_t>& seeds) {
  std::vector<std::int64_t> missing;
  for (const std::int64_t seed : seeds) {
    if (!known_.contains({sizes.first, sizes.second, rate_rps, seed})) missing.push_back(seed);
  }
  std::size_t started = 0;
  std::string error;
  run_jobs(
      parallel_,
      [&](std::size_t& job) {
        job = started;
        return started++ < missing.size();
      },
      [&](std::size_t job) {
        const Json summary = simulate(read_scenario(scenario(sizes, rate_rps, missing[job])));
        return Json{{"slo", summary["slo"]}, {"steady", summary["steady"]}}.dump();
      },
      [&](std::size_t job, const JobResult& result) {
        if (!result.error.empty()) {
          error = result.error;
          return;
        }
        known_[{sizes.first, sizes.second, rate_rps, missing[job]}] =
            read_outcome(Json::parse(result.text));
        progress_();
      });
  if (!error.empty()) throw InputError(error);
}

Outcome DesignSearch::outcome(Sizes sizes, double rate_rps) {
  Outcome worst;
  worst.margin = 1e300;
  // The first alone: most candidates of a search break under it.
  simulate_missing(sizes, rate_rps, {spec_.seeds.front()});
  for (const std::int64_t seed : spec_.seeds) {
    const Outcome& found = known_.at({sizes.first, sizes.second, rate_rps, seed});
    worsen(worst, found);
    if (!found.holds()) break;
    if (seed == spec_.seeds.front()) simulate_missing(sizes, rate_rps, spec_.seeds);
  }
  return worst;
}

std::optional<Candidate> DesignSearch::best() {
  return spec_.goal == PlanSpec::Goal::kThroughput ? fastest() : least();
}

/// Of this size of the second pool, the largest first pool that would still beat the best so far is
/// tried; where it holds, the smallest that holds is found by bisection.
bool DesignSearch::improve_least(std::uint32_t second, std::optional<Candidate>& best) {
  const double beat = best ? objective(best->sizes) : 1e300;
  std::uint32_t high = design_.most;
  while (high > 0 &&
         (!affordable({high, second}) || objective({high, second}) >= beat * (1 - 1e-12))) {
    --high;
  }
  if (high == 0 || !holds({high, second}, rate_rps_)) return false;
  std::uint32_t low = 0;  // does not hold
  while (high - low > 1) {
    const std::uint32_t middle = (low + high) / 2;
    (holds({middle, second}, rate_rps_) ? high : low) = middle;
  }
  best = Candidate{{high, second}, rate_rps_, outcome({high, second}, rate_rps_).margin};
  return true;
}

std::optional<Candidate> DesignSearch::least() {
  std::optional<Candidate> best;
  if (design_.roles.size() == 1) {
    improve_least(0, best);
    return best;
  }
  // A balanced start gives a bound that spares most of the others.
  improve_least(std::max<std::uint32_t>(1, design_.most / 8), best);
  for (std::uint32_t second = 1; second <= design_.most; ++second) improve_least(second, best);
  return best;
}

/// The highest rate that holds, to kRateStep, or 0: from `guess` upwards or downwards in steps that
/// double, as few requests say little and low rates would break by chance.
double DesignSearch::highest_rate(Sizes sizes, double guess, double first_step) {
  constexpr double kSlowest = 0.02;  // of the plan's rate
  double low = guess;
  double high = guess;
  if (holds(sizes, guess)) {
    double step = first_step;
    for (high *= 1 + step; holds(sizes, high); high *= 1 + step) {
      low = high;
      step *= 2;
    }
  } else {
    for (low /= 2; !holds(sizes, low); low /= 2) {
      if (low < rate_rps_ * kSlowest) return 0;
      high = low;
    }
  }
  while (high - low > kRateStep * low) {
    const double middle = (low + high) / 2;
    (holds(sizes, middle) ? low : high) = middle;
  }
  return low;
}

/// For this size of the second pool the rest of the budget goes into the first. Only where that
/// beats the best so far is its rate found.
bool DesignSearch::improve_fastest(std::uint32_t second, std::optional<Candidate>& best) {
  std::uint32_t first = design_.most;
  while (first > 0 && !affordable({first, second})) --first;
  if (first == 0) return false;
  const Sizes sizes{first, second};
  const double beat = best ? best->rate_rps * (1 + kRateStep) : 0;
  if (best && !holds(sizes, beat)) return false;
  const double rate_rps =
      best ? highest_rate(sizes, beat, 2 * kRateStep) : highest_rate(sizes, rate_rps_, 1);
  if (rate_rps == 0) return false;
  best = Candidate{sizes, rate_rps, outcome(sizes, rate_rps).margin};
  return true;
}

/// The highest rate has one peak over the split of the budget: first eight splits, then ever
/// smaller steps from the best one.
std::optional<Candidate> DesignSearch::fastest() {
  std::optional<Candidate> best;
  if (design_.roles.size() == 1) {
    improve_fastest(0, best);
    return best;
  }
  std::uint32_t most = 0;
  while (most < design_.most && affordable({1, most + 1})) ++most;
  constexpr std::uint32_t kSplits = 8;
  std::uint32_t step = std::max<std::uint32_t>(1, (most + kSplits - 1) / kSplits);
  // From a balanced one on: the first rates found are high and spare the others.
  std::vector<std::uint32_t> seconds;
  for (std::uint32_t second = (step + 1) / 2; second <= most; second += step) {
    seconds.push_back(second);
  }
  std::stable_sort(seconds.begin(), seconds.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::abs(a - 0.4 * most) < std::abs(b - 0.4 * most);
  });
  for (const std::uint32_t second : seconds) improve_fastest(second, best);
  if (!best) return best;
  while (step > 1) {
    step = (step + 1) / 2;
    for (const bool up : {false, true}) {
      bool better = true;
      while (better) {
        const std::uint32_t now = best->sizes.second;
        better = up ? now + step <= most && improve_fastest(now + step, best)
                    : now > step && improve_fastest(now - step, best);
      }
    }
  }
  return best;
}

std::vector<Candidate> DesignSearch::ties(const Candidate& best) {
  std::vector<Candidate> all{best};
  if (spec_.goal == PlanSpec::Goal::kThroughput || design_.roles.size() == 1) return all;
  const double target = objective(best.sizes);
  for (const int direction : {-1, 1}) {
    for (int second = static_cast<int>(best.sizes.second) + direction;
         second >= 1 && second <= static_cast<int>(design_.most); second += direction) {
      Sizes sizes{1, static_cast<std::uint32_t>(second)};
      while (sizes.first < design_.most && objective(sizes) < target * (1 - 1e-12)) {
        ++sizes.first;
      }
      if (std::abs(objective(sizes) - target) > target * 1e-9) continue;
      const Outcome found = outcome(sizes, rate_rps_);
      if (!found.holds()) break;
      all.push_back({sizes, rate_rps_, found.margin});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Candidate& a, const Candidate& b) { return a.margin > b.margin; });
  return all;
}

std::vector<std::pair<Candidate, Outcome>> DesignSearch::simulated() const {
  std::vector<std::pair<Candidate, Outcome>> all;
  for (const auto& [key, found] : known_) {
    const auto& [first, second, rate_rps, seed] = key;
    const bool same = !all.empty() && all.back().first.sizes == Sizes{first, second} &&
                      all.back().first.rate_rps == rate_rps;
    if (same) {
      worsen(all.back().second, found);
    } else {
      all.push_back({{{first, second}, rate_rps}, found});
    }
    all.back().first.margin = all.back().second.margin;
  }
  return all;
}

Json DesignSearch::known() const {
  Json all = Json::array();
  for (const auto& [key, found] : known_) {
    const auto& [first, second, rate_rps, seed] = key;
    all.push_back({first, second, rate_rps, seed, found.breaks, found.margin, found.slo});
  }
  return all;
}

void DesignSearch::learn(const Json& known) {
  for (const Json& one : known) {
    const Key key{one[0].get<std::uint32_t>(), one[1].get<std::uint32_t>(), one[2].get<double>(),
                  one[3].get<std::int64_t>()};
    known_[key] = {one[4].get<std::vector<std::string>>(), one[5].get<double>(), one[6]};
  }
}

}  // namespace cleave
