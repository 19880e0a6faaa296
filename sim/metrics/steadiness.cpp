#include "sim/metrics/steadiness.h"

#include <algorithm>
#include <cmath>

namespace cleave {

std::size_t stationary_from(const std::vector<double>& means) {
  double sum = 0;
  double squares = 0;
  double least = 0;
  std::size_t best = 0;
  for (std::size_t i = means.size(); i-- > 0;) {
    sum += means[i];
    squares += means[i] * means[i];
    const auto count = static_cast<double>(means.size() - i);
    const double error = std::max(0.0, squares - sum * sum / count) / (count * count);
    if (i > means.size() / 2) continue;
    if (i == means.size() / 2 || error <= least) {
      least = error;
      best = i;
    }
  }
  return best;
}

namespace {

/// How many standard errors hold 95 % of Student's distribution (Abramowitz and Stegun, 26.7.5).
double student_95(double degrees_of_freedom) {
  const double degrees = std::max(2.0, degrees_of_freedom);
  return 1.96 + (2.37 + 2.82 / degrees) / degrees;
}

}  // namespace

Growth growth(const std::vector<double>& means, double width_s) {
  const auto n = static_cast<double>(means.size());
  double mean = 0;
  for (const double value : means) mean += value / n;
  const auto time_s = [&](std::size_t i) {
    return (static_cast<double>(i) - (n - 1) / 2) * width_s;
  };
  double covered = 0;
  double times = 0;
  for (std::size_t i = 0; i < means.size(); ++i) {
    covered += time_s(i) * (means[i] - mean);
    times += time_s(i) * time_s(i);
  }
  const double slope = covered / times;
  const auto residual = [&](std::size_t i) { return means[i] - mean - slope * time_s(i); };
  double squares = 0;
  double neighbours = 0;
  for (std::size_t i = 0; i < means.size(); ++i) {
    squares += residual(i) * residual(i);
    if (i > 0) neighbours += residual(i) * residual(i - 1);
  }
  if (squares == 0) return {slope, 0};
  // In a short series the correlation looks smaller than it is (Kendall's correction).
  constexpr double kMostAlike = 0.9;
  const double seen = neighbours / squares;
  const double alike = std::clamp(seen + (1 + 3 * seen) / n, 0.0, kMostAlike);
  const double independent = n * (1 - alike) / (1 + alike);
  const double variance = squares / (n - 2) / times * n / independent;
  return {slope, student_95(independent - 2) * std::sqrt(variance)};
}

namespace {

constexpr std::size_t kBatches = 20;
constexpr std::size_t kFewest = 10;
/// Share of the arrivals that makes a growth count.
constexpr double kCounts = 0.02;
/// What must lie below its whole interval to be sure of it.
constexpr double kSure = 0.01;
/// Shares of the arrivals that filling may still move, and by which the cluster may fall behind
/// within the error, where it is called steady though it had no time to fill.
constexpr double kStillFilling = 0.05;
constexpr double kUncertain = 0.1;

/// The last ones of `means`, in about kBatches groups of equal size; the mean of each.
std::vector<double> batches(const std::vector<double>& means, std::size_t group) {
  const std::size_t count = means.size() / group;
  std::vector<double> result(count);
  const std::size_t first = means.size() - count * group;
  for (std::size_t i = 0; i < count * group; ++i) {
    result[i / group] += means[first + i] / static_cast<double>(group);
  }
  return result;
}

}  // namespace

Steadiness judge(const ArrivalPhase& phase, double filling_share) {
  Steadiness steady;
  const double seconds = phase.to_s() - phase.from_s;
  steady.from_s = phase.from_s;
  steady.filling_share = filling_share;
  steady.second_quarter = phase.second_quarter;
  steady.last_quarter = phase.last_quarter;
  if (phase.in_cluster.size() < kFewest || phase.arrived == 0) {
    steady.too_short = true;
    return steady;
  }
  const double offered_rps = phase.arrived / seconds;
  steady.offered_rps = offered_rps;
  steady.served_rps = phase.completed / seconds;
  const std::size_t group = std::max<std::size_t>(1, phase.in_cluster.size() / kBatches);
  const double width_s = phase.width_s * static_cast<double>(group);
  steady.in_cluster = growth(batches(phase.in_cluster, group), width_s);
  steady.waiting = growth(batches(phase.waiting, group), width_s);
  const auto grows = [&](const Growth& found, double beyond) {
    return found.per_s > kCounts * offered_rps &&
           found.per_s - found.error_per_s > beyond * offered_rps;
  };
  const bool falls_behind = steady.served_rps < (1 - kCounts) * offered_rps;
  // Until even long requests come and go, the number grows in any cluster. What waits then counts
  // alone, and only where it is more than what filling can move.
  const bool filled = phase.from_s >= phase.computing_p99_s;
  const bool piles_up = filled ? grows(steady.in_cluster, kSure) || grows(steady.waiting, kSure)
                               : grows(steady.waiting, std::max(kCounts, filling_share));
  steady.overload = falls_behind && piles_up;
  const double most_growth = steady.in_cluster.per_s + steady.in_cluster.error_per_s;
  const bool still_fills =
      !filled && (filling_share > kStillFilling || most_growth > kUncertain * offered_rps);
  const bool may_pile_up = grows(steady.in_cluster, 0) || grows(steady.waiting, 0);
  steady.too_short = !steady.overload && (still_fills || may_pile_up);
  return steady;
}

const FigureTable<Steadiness>& Steadiness::figures() {
  using S = Steadiness;
  static const FigureTable<S> table{
      {"from_s", "s", "steady_from_s", better::neither(),
       "where this part begins; it ends with the last arrival",
       [](const S& s) { return s.from_s; }},
      {"offered_rps", "requests/s", "steady_offered_rps", better::neither(),
       "arrivals in it; `null` where the workload has no rate of its own",
       [](const S& s) { return s.offered_rps; }},
      {"served_rps", "requests/s", "steady_served_rps", better::more(), "completions in it",
       [](const S& s) { return s.served_rps; }},
      {"in_cluster_second_quarter", "requests", "in_cluster_second_quarter", better::neither(),
       "mean number in the cluster during the second quarter of the time in which requests arrived "
       "(from a given warm-up's end on)",
       [](const S& s) { return s.second_quarter; }},
      {"in_cluster_last_quarter", "requests", "in_cluster_last_quarter", better::neither(),
       "the same during the last quarter", [](const S& s) { return s.last_quarter; }},
      {"growth_rps", "requests/s", "growth_rps", better::neither(),
       "least-squares slope of the number in the cluster",
       [](const S& s) { return s.in_cluster.per_s; }},
      {"growth_error_rps", "requests/s", "growth_error_rps", better::neither(),
       "half-width of its 95 % confidence interval, with the residuals taken as an autoregressive "
       "process of order one (20 means that are much alike: nearer 90 %)",
       [](const S& s) { return s.in_cluster.error_per_s; }},
      {"waiting_growth_rps", "requests/s", "waiting_growth_rps", better::neither(),
       "the slope of the number of those that wait: for their prompt phase, their transfer, a "
       "place "
       "in a batch, or put aside",
       [](const S& s) { return s.waiting.per_s; }},
      {"waiting_growth_error_rps", "requests/s", "waiting_growth_error_rps", better::neither(),
       "half-width of its 95 % confidence interval",
       [](const S& s) { return s.waiting.error_per_s; }},
      {"filling_share", "fraction", "filling_share", better::neither(),
       "of the arrivals: by how much the number would still grow, on average, if nothing waited, "
       "because long requests that an empty cluster began with are not through",
       [](const S& s) { return s.filling_share; }},
      {"overload", "", "overload", better::less("0"),
       "served less than 98 % of what was offered, and a growth of more than 2 % of it whose "
       "interval lies above 1 %: of the number in the cluster or of those that wait, where "
       "`from_s` "
       "lies beyond the P99 of the time that iterations work for a request; sooner, of those that "
       "wait alone, where the interval lies above 2 % and above `filling_share`",
       [](const S& s) { return s.overload; }},
      {"too_short", "", "too_short", better::less(),
       "no overload is shown, but nobody can tell: one of the two grows by more than 2 %, with an "
       "interval above 0; or `from_s` lies before that P99, and `filling_share` is above 5 % or "
       "the "
       "cluster may, within the error, fall behind by more than 10 %; or there are fewer than ten "
       "times of 0.125 s",
       [](const S& s) { return s.too_short; }}};
  return table;
}

}  // namespace cleave
