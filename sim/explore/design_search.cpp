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

}  // namespace

DesignSearch::DesignSearch(const PlanSpec& spec, const Design& design, std::size_t parallel,
                           std::function<void()> progress)
    : spec_(spec),
      design_(design),
      rate_rps_(spec.scenario["workload"]["rate_rps"].get<double>()),
      trials_(spec, design, parallel, std::move(progress)) {}

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
  const auto within = [](double value, double budget) {
    return budget == 0 || value <= budget * (1 + kRounding);
  };
  return within(cost_per_hour(sizes), spec_.budget_cost_per_hour) &&
         within(provisioned_w(sizes), spec_.budget_power_w);
}

Candidate DesignSearch::candidate(Sizes sizes, double rate_rps) {
  return {sizes, rate_rps, trials_.verified(sizes, rate_rps).margin};
}

std::optional<Candidate> DesignSearch::best() {
  return spec_.goal == PlanSpec::Goal::kThroughput ? fastest() : least();
}

/// Of this size of the second pool, the largest first pool that would still beat the best so far is
/// tried; where it holds, the smallest that holds is found by bisection. Where that does not stand
/// the verifying run, the smallest above it that does.
bool DesignSearch::improve_least(std::uint32_t second, std::optional<Candidate>& best) {
  const double beat = best ? objective(best->sizes) * (1 - kRounding) : 1e300;
  std::uint32_t most = design_.most;
  while (most > 0 && (!affordable({most, second}) || objective({most, second}) >= beat)) --most;
  if (most == 0 || !holds({most, second}, rate_rps_)) return false;
  const auto holds_with = [&](std::uint32_t first) { return holds({first, second}, rate_rps_); };
  const auto verified_with = [&](std::uint32_t first) {
    return verified({first, second}, rate_rps_);
  };
  std::uint32_t first = least_good(0, most, holds_with);
  if (!verified_with(first)) {
    if (!verified_with(most)) return false;
    first = least_good(first, most, verified_with);
  }
  best = candidate({first, second}, rate_rps_);
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

/// The highest rate that holds, or 0: from `guess` upwards or downwards in steps that double, as
/// few requests say little and low rates would break by chance.
double DesignSearch::highest_rate(Sizes sizes, double guess, double first_step) {
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
double DesignSearch::verified_rate(Sizes sizes, double high, double low) {
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

/// For this size of the second pool the rest of the budget goes into the first. Only where that
/// beats the best so far is its rate found.
bool DesignSearch::improve_fastest(std::uint32_t second, std::optional<Candidate>& best) {
  std::uint32_t first = design_.most;
  while (first > 0 && !affordable({first, second})) --first;
  if (first == 0) return false;
  const Sizes sizes{first, second};
  const double beat = best ? best->rate_rps * (1 + kRateStep) : 0;
  if (best && !verified(sizes, beat)) return false;
  const double held =
      best ? highest_rate(sizes, beat, 2 * kRateStep) : highest_rate(sizes, rate_rps_, 1);
  const double rate_rps = held > 0 ? verified_rate(sizes, held, beat) : 0;
  if (rate_rps == 0) return false;
  best = candidate(sizes, rate_rps);
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
      while (sizes.first < design_.most && objective(sizes) < target * (1 - kRounding)) {
        ++sizes.first;
      }
      if (std::abs(objective(sizes) - target) > target * kRounding || !affordable(sizes)) continue;
      if (!holds(sizes, rate_rps_)) break;
      if (verified(sizes, rate_rps_)) all.push_back(candidate(sizes, rate_rps_));
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Candidate& a, const Candidate& b) { return a.margin > b.margin; });
  return all;
}

std::string DesignSearch::why_not() const {
  std::optional<Trials::Trial> nearest;
  for (const Trials::Trial& trial : trials_.all()) {
    if (trial.outcome.holds() || !affordable(trial.sizes)) continue;
    if (!nearest || trial.outcome.margin > nearest->outcome.margin) nearest = trial;
  }
  if (!nearest) return "the budget does not pay for one machine of each pool";
  std::string limits;
  for (const std::string& limit : nearest->outcome.breaks) {
    limits += (limits.empty() ? "" : ", ") + limit;
  }
  std::string text = "breaks " + limits + " even with " + std::to_string(nearest->sizes.first);
  if (nearest->sizes.second > 0) text += " + " + std::to_string(nearest->sizes.second);
  return text + " machines, the nearest to holding that was tried";
}

}  // namespace cleave
