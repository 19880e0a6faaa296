#include "sim/explore/day_steps.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace cleave {

namespace {

/// The highest rate between two times, rounded up to a tenth, so that equal ones are searched once.
double highest(const RateCurve& rates, double from_s, double to_s) {
  constexpr int kLooks = 3600;
  constexpr double kTenth = 10;
  double most = 0;
  for (int i = 0; i <= kLooks; ++i) {
    most = std::max(most, rates.rate_at(from_s + (to_s - from_s) * i / kLooks));
  }
  return std::max(0.1, std::ceil(kTenth * most - 1e-6) / kTenth);
}

}  // namespace

double sum(const Rates& rates) {
  double all = 0;
  for (const double rate : rates) all += rate;
  return all;
}

std::uint32_t machines(const Counts& counts) {
  std::uint32_t sum = 0;
  for (const std::uint32_t count : counts) sum += count;
  return sum;
}

Counts larger(const Counts& a, const Counts& b) {
  Counts result = a;
  for (std::size_t i = 0; i < a.size(); ++i) result[i] = std::max(a[i], b[i]);
  return result;
}

std::vector<DayStep> steps_of(const std::vector<Stream>& streams, double end_s, double step_s) {
  std::vector<DayStep> steps;
  for (double from_s = 0; from_s < end_s; from_s += step_s) {
    const double to_s = std::min(end_s, from_s + step_s);
    Rates rates;
    for (const Stream& stream : streams) rates.push_back(highest(stream.rates, from_s, to_s));
    steps.push_back({from_s, to_s, std::move(rates)});
  }
  return steps;
}

Counts choose(std::vector<DayStep>& steps, const std::map<Rates, std::vector<Counts>>& ties) {
  std::vector<std::size_t> order(steps.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return sum(steps[a].rates_rps) > sum(steps[b].rates_rps);
  });
  const auto from = [&](const Counts& first, bool keep) {
    Counts fleet = first;
    for (const std::size_t i : order) {
      const std::vector<Counts>& equal = ties.at(steps[i].rates_rps);
      const auto least =
          std::min_element(equal.begin(), equal.end(), [&](const Counts& a, const Counts& b) {
            return machines(larger(fleet, a)) < machines(larger(fleet, b));
          });
      fleet = larger(fleet, *least);
      if (keep) steps[i].counts = *least;
    }
    return fleet;
  };
  const std::vector<Counts>& peak = ties.at(steps[order.front()].rates_rps);
  const auto first =
      std::min_element(peak.begin(), peak.end(), [&](const Counts& a, const Counts& b) {
        return machines(from(a, false)) < machines(from(b, false));
      });
  return from(*first, true);
}

}  // namespace cleave
