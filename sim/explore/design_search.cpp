#include "sim/explore/design_search.h"

#include <algorithm>
#include <cmath>

namespace cleave {

namespace {

constexpr double kRateStep = 0.01;  // of the rate; how exactly a throughput is found
constexpr double kSlowest = 0.02;   // of the plan's rate; what is tried at least
constexpr double kRounding = 1e-9;  // of a sum of prices or watts

/// The least number above `low`, for which `good` does not hold, that holds; it holds for `high`.
template <class Good>
std::uint32_t least_good(std::uint32_t low, std::uint32_t high, Good good) {
  while (high - low > 1) {
    const std::uint32_t middle = (low + high) / 2;
    (good(middle) ? high : low) = middle;
  }
  return high;
}

/// The highest rate above `low`, which is good, that is; to kRateStep. `high` is not.
template <class Good>
double highest_good(double low, double high, Good good) {
  while (high - low > kRateStep * low) {
    const double middle = (low + high) / 2;
    (good(middle) ? low : high) = middle;
  }
  return low;
}

/// Over all machines of the cluster.
template <class Figure>
double sum_of(const Design& design, const Sizes& sizes, Figure figure) {
  double sum = 0;
  for (std::size_t i = 0; i < sizes.counts.size(); ++i) {
    sum += figure(design.machines[i]) * sizes.counts[i];
  }
  return sum;
}

/// These sizes, with another number of machines in one pool.
Sizes with(Sizes sizes, std::size_t pool, std::uint32_t count) {
  sizes.counts[pool] = count;
  return sizes;
}

}  // namespace

DesignSearch::DesignSearch(const PlanSpec& spec, const Design& design, std::size_t parallel,
                           std::function<void()> progress, double longer)
    : spec_(spec),
      design_(design),
      rate_rps_(spec.scenario["workload"]["rate_rps"].get<double>()),
      trials_(spec, design, parallel, std::move(progress), longer) {}

double DesignSearch::cost_per_hour(const Sizes& sizes) const {
  return sum_of(design_, sizes, [](const Machine& machine) { return machine.price_per_hour; });
}

double DesignSearch::provisioned_w(const Sizes& sizes) const {
  return sum_of(design_, sizes,
                [](const Machine& machine) { return machine.provisioned_at_cap_w(); });
}

double DesignSearch::machines(const Sizes& sizes) const {
  return sum_of(design_, sizes, [](const Machine&) { return 1.0; });
}

double DesignSearch::gpus(const Sizes& sizes) const {
  return sum_of(design_, sizes,
                [](const Machine& machine) { return static_cast<double>(machine.gpu_count); });
}

double DesignSearch::cost_per_million(const Candidate& candidate, double tokens) const {
  constexpr double kSecondsPerHour = 3600;
  constexpr double kMillion = 1e6;
  const double tokens_per_hour = kSecondsPerHour * candidate.rate_rps * tokens;
  return cost_per_hour(candidate.sizes) / tokens_per_hour * kMillion;
}

double DesignSearch::cost_per_million_output_tokens(const Candidate& candidate) const {
  return cost_per_million(candidate, trials_.output_tokens(candidate.sizes, candidate.rate_rps));
}

double DesignSearch::cost_per_million_tokens(const Candidate& candidate) const {
  return cost_per_million(candidate, trials_.tokens(candidate.sizes, candidate.rate_rps));
}

double DesignSearch::objective(const Sizes& sizes) const {
  switch (spec_.goal) {
    case PlanSpec::Goal::kPower:
      return provisioned_w(sizes);
    case PlanSpec::Goal::kMachines:
      return machines(sizes);
    default:
      return cost_per_hour(sizes);
  }
}

bool DesignSearch::affordable(const Sizes& sizes) const {
  const auto within = [](double value, double budget) {
    return budget == 0 || value <= budget * (1 + kRounding);
  };
  return within(cost_per_hour(sizes), spec_.budget_cost_per_hour) &&
         within(provisioned_w(sizes), spec_.budget_power_w);
}

Candidate DesignSearch::candidate(const Sizes& sizes, double rate_rps) {
  return {sizes, rate_rps, trials_.verified(sizes, rate_rps).margin};
}

std::optional<Candidate> DesignSearch::best() {
  std::optional<Candidate> best;
  trials_.settle([&] { best = spec_.goal == PlanSpec::Goal::kThroughput ? fastest() : least(); });
  return best;
}

/// Split where it is widest.
std::pair<DesignSearch::Box, DesignSearch::Box> DesignSearch::Box::halves() const {
  std::size_t widest = 0;
  const auto width = [&](std::size_t pool) { return high.counts[pool] - low.counts[pool]; };
  for (std::size_t i = 1; i < low.counts.size(); ++i) {
    if (width(i) > width(widest)) widest = i;
  }
  const std::uint32_t middle = low.counts[widest] + width(widest) / 2;
  return {{low, with(high, widest, middle)}, {with(low, widest, middle + 1), high}};
}

DesignSearch::Box DesignSearch::all_sizes(std::size_t layout) const {
  Box box{{layout, std::vector<std::uint32_t>(design_.roles.size(), 1)},
          {layout, std::vector<std::uint32_t>(design_.roles.size(), design_.most)}};
  box.low.counts.front() = box.high.counts.front() = 0;
  return box;
}

/// Beside `others` the largest first pool that is `allowed`; 0 where none is.
template <class Allowed>
Sizes DesignSearch::with_most_first(const Sizes& others, Allowed allowed) const {
  Sizes sizes = with(others, 0, design_.most);
  while (sizes.counts.front() > 0 && !allowed(sizes)) --sizes.counts.front();
  return sizes;
}

/// Calls `improve` for sizes of the box with which an `allowed` cluster may hold at `rate_rps`.
/// Where the box has none is told by two clusters: one has of each pool as many machines as any of
/// them; the other the fewest in all pools but the first, as slow machines can be too many where
/// others lend theirs. Where one of both holds, both halves are looked at.
template <class Allowed, class Improve>
void DesignSearch::improve_within(Box box, Allowed allowed, const std::function<double()>& rate_rps,
                                  Improve improve) {
  const Sizes fewest = with_most_first(box.low, allowed);
  const std::uint32_t most_first = fewest.counts.front();
  if (most_first == 0) return;
  for (std::size_t i = 1; i < box.high.counts.size(); ++i) {
    Sizes only = with(box.low, 0, 1);
    only.counts[i] = box.high.counts[i];
    while (!allowed(only)) --only.counts[i];
    box.high.counts[i] = only.counts[i];
  }
  if (box.single()) {
    improve(box.low);
  } else if (trials_.hopeful(with(box.high, 0, most_first), rate_rps()) ||
             trials_.hopeful(fewest, rate_rps())) {
    const auto [lower, upper] = box.halves();
    improve_within(lower, allowed, rate_rps, improve);
    improve_within(upper, allowed, rate_rps, improve);
  }
}

bool DesignSearch::better(const Sizes& sizes, const std::optional<Candidate>& best) const {
  return affordable(sizes) &&
         (!best || objective(sizes) < objective(best->sizes) * (1 - kRounding));
}

/// Beside these other pools, the largest first pool that would still beat the best so far is tried;
/// where it holds, the smallest that holds is found by bisection. Where that does not stand the
/// verifying run, the smallest above it that does.
void DesignSearch::improve_least(const Sizes& others, std::optional<Candidate>& best) {
  const Sizes largest = with_most_first(others, [&](const Sizes& s) { return better(s, best); });
  const std::uint32_t most = largest.counts.front();
  if (most == 0 || !holds(largest, rate_rps_)) return;
  const auto holds_with = [&](std::uint32_t first) {
    return holds(with(others, 0, first), rate_rps_);
  };
  const auto verified_with = [&](std::uint32_t first) {
    return verified(with(others, 0, first), rate_rps_);
  };
  std::uint32_t fewest = 0;
  while (fewest + 1 < most && trials_.share(with(others, 0, fewest + 1), rate_rps_) < 1) ++fewest;
  std::uint32_t first = least_good(fewest, most, holds_with);
  if (!verified_with(first)) {
    if (!verified_with(most)) return;
    first = least_good(first, most, verified_with);
  }
  best = candidate(with(others, 0, first), rate_rps_);
}

std::optional<Candidate> DesignSearch::least() {
  std::optional<Candidate> best;
  for (std::size_t layout = 0; layout < design_.layouts.size(); ++layout) {
    const Box all = all_sizes(layout);
    if (!best && !all.single()) {
      // A balanced start gives a bound that spares most of the others.
      Sizes balanced = all.low;
      const std::uint32_t others = std::max<std::uint32_t>(1, design_.most / 8);
      std::fill(balanced.counts.begin() + 1, balanced.counts.end(), others);
      improve_least(balanced, best);
    }
    improve_within(
        all, [&](const Sizes& sizes) { return better(sizes, best); }, [&] { return rate_rps_; },
        [&](const Sizes& others) { improve_least(others, best); });
  }
  return best;
}

/// The highest rate that holds, or 0: from `guess` upwards or downwards in steps that double, as
/// few requests say little and low rates would break by chance.
double DesignSearch::highest_rate(const Sizes& sizes, double guess, double first_step) {
  const auto holds_at = [&](double rate_rps) { return holds(sizes, rate_rps); };
  double low = guess;
  double high = guess;
  if (holds_at(guess)) {
    double step = first_step;
    for (high *= 1 + step; holds_at(high); high *= 1 + step) {
      low = high;
      step *= 2;
    }
  } else {
    for (low /= 2; !holds_at(low); low /= 2) {
      if (low < rate_rps_ * kSlowest) return 0;
      high = low;
    }
  }
  return highest_good(low, high, holds_at);
}

/// The highest rate up to `high` that stands the verifying run: downwards in steps that double, not
/// below `low`, which is known to stand it (0: none is); 0 where none does.
double DesignSearch::verified_rate(const Sizes& sizes, double high, double low) {
  constexpr double kLargestStep = 0.5;
  const auto verified_at = [&](double rate_rps) { return verified(sizes, rate_rps); };
  if (high <= low || verified_at(high)) return high;
  double step = kRateStep;
  double next = low;
  do {
    step = std::min(2 * step, kLargestStep);
    next = std::max(low, high * (1 - step));
    if (next < rate_rps_ * kSlowest) return 0;
    if (next == low || verified_at(next)) break;
    high = next;
  } while (true);
  return highest_good(next, high, verified_at);
}

/// Beside these other pools the rest of the budget goes into the first. Only where that beats the
/// best so far is its rate found.
bool DesignSearch::improve_fastest(const Sizes& others, std::optional<Candidate>& best) {
  const Sizes sizes = with_most_first(others, [&](const Sizes& s) { return affordable(s); });
  if (sizes.counts.front() == 0) return false;
  const double beat = best ? best->rate_rps * (1 + kRateStep) : 0;
  if (best && !verified(sizes, beat)) return false;
  const double held =
      best ? highest_rate(sizes, beat, 2 * kRateStep) : highest_rate(sizes, rate_rps_, 1);
  const double rate_rps = held > 0 ? verified_rate(sizes, held, beat) : 0;
  if (rate_rps == 0) return false;
  best = candidate(sizes, rate_rps);
  return true;
}

/// The highest rate has one peak over the split of the budget: first eight sizes of each pool but
/// the first, then ever smaller steps from the best.
void DesignSearch::climb_fastest(const Box& box, std::optional<Candidate>& best) {
  constexpr std::uint32_t kSplits = 8;
  const std::size_t pools = box.low.counts.size();
  std::vector<std::uint32_t> most(pools, 0);
  std::vector<std::uint32_t> steps(pools, 1);
  std::vector<Sizes> splits{box.low};
  for (std::size_t i = 1; i < pools; ++i) {
    const Sizes one = with(box.low, 0, 1);
    while (most[i] < design_.most && affordable(with(one, i, most[i] + 1))) ++most[i];
    steps[i] = std::max<std::uint32_t>(1, (most[i] + kSplits - 1) / kSplits);
    std::vector<Sizes> all;
    for (const Sizes& split : splits) {
      for (std::uint32_t count = (steps[i] + 1) / 2; count <= most[i]; count += steps[i]) {
        all.push_back(with(split, i, count));
      }
    }
    splits = std::move(all);
  }
  // From a balanced one on: the first rates found are high and spare the others.
  const auto from_balance = [&](const Sizes& split) {
    double distance = 0;
    for (std::size_t i = 1; i < pools; ++i) {
      distance += std::abs(split.counts[i] - 0.8 / static_cast<double>(pools) * most[i]);
    }
    return distance;
  };
  std::stable_sort(splits.begin(), splits.end(), [&](const Sizes& a, const Sizes& b) {
    return from_balance(a) < from_balance(b);
  });
  for (const Sizes& split : splits) improve_fastest(split, best);
  if (!best) return;
  while (*std::max_element(steps.begin(), steps.end()) > 1) {
    for (std::size_t i = 1; i < pools; ++i) {
      const std::uint32_t step = steps[i] = (steps[i] + 1) / 2;
      for (const bool up : {false, true}) {
        bool improved = true;
        while (improved) {
          const std::uint32_t now = best->sizes.counts[i];
          if (up ? now + step > most[i] : now <= step) break;
          improved = improve_fastest(with(best->sizes, i, up ? now + step : now - step), best);
        }
      }
    }
  }
}

std::optional<Candidate> DesignSearch::fastest() {
  std::optional<Candidate> best;
  for (std::size_t layout = 0; layout < design_.layouts.size(); ++layout) {
    const Box all = all_sizes(layout);
    if (!best) {
      climb_fastest(all, best);
      continue;
    }
    improve_within(
        all, [&](const Sizes& sizes) { return affordable(sizes); },
        [&] { return best->rate_rps * (1 + kRateStep); },
        [&](const Sizes& others) { improve_fastest(others, best); });
  }
  return best;
}

std::vector<Candidate> DesignSearch::ties(const Candidate& best) {
  std::vector<Candidate> all;
  trials_.settle([&] { all = find_ties(best); });
  return all;
}

/// Sizes that cost as much, with other numbers in one pool and the first.
std::vector<Candidate> DesignSearch::find_ties(const Candidate& best) {
  std::vector<Candidate> all{best};
  if (spec_.goal == PlanSpec::Goal::kThroughput) return all;
  const double target = objective(best.sizes);
  for (std::size_t pool = 1; pool < design_.roles.size(); ++pool) {
    for (const int direction : {-1, 1}) {
      for (int count = static_cast<int>(best.sizes.counts[pool]) + direction;
           count >= 1 && count <= static_cast<int>(design_.most); count += direction) {
        Sizes sizes = with(with(best.sizes, pool, static_cast<std::uint32_t>(count)), 0, 1);
        std::uint32_t& first = sizes.counts.front();
        while (first < design_.most && objective(sizes) < target * (1 - kRounding)) ++first;
        if (std::abs(objective(sizes) - target) > target * kRounding || !affordable(sizes)) {
          continue;
        }
        if (!holds(sizes, rate_rps_)) break;
        if (verified(sizes, rate_rps_)) all.push_back(candidate(sizes, rate_rps_));
      }
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Candidate& a, const Candidate& b) { return a.margin > b.margin; });
  return all;
}

std::string DesignSearch::why_not() {
  const std::vector<Trials::Trial> tried = trials_.all();
  std::optional<Trials::Trial> nearest;
  trials_.settle([&] {
    nearest.reset();
    for (Trials::Trial trial : tried) {
      if (!affordable(trial.sizes)) continue;
      if (trial.outcome.holds() && spec_.spare_machines == 0) continue;
      trial.outcome = trials_.in_full(trial.sizes, trial.rate_rps);
      if (trial.outcome.holds()) continue;
      // What was not simulated has another margin.
      const auto rank = [](const Outcome& outcome) {
        return std::pair(outcome.in_full(), outcome.margin);
      };
      if (!nearest || rank(trial.outcome) > rank(nearest->outcome)) nearest = trial;
    }
  });
  if (!nearest) return "the budget does not pay for one machine of each pool";
  std::string limits;
  for (const std::string& limit : nearest->outcome.breaks) {
    limits += (limits.empty() ? "" : ", ") + limit;
  }
  std::string counts;
  for (const std::uint32_t count : nearest->sizes.counts) {
    counts += (counts.empty() ? "" : " + ") + std::to_string(count);
  }
  const Outcome& outcome = nearest->outcome;
  const auto percent = static_cast<int>(100 * outcome.margin);
  const bool beyond = outcome.breaks == std::vector<std::string>{Outcome::kCapacity};
  const std::string why =
      beyond ? "computes at most " + std::to_string(percent) + " % of its load in time"
             : "breaks " + limits;
  return why + " even with " + counts + " machines, the nearest to holding that was tried";
}

}  // namespace cleave
