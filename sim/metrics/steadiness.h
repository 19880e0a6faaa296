#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "sim/metrics/figure.h"

namespace cleave {

/// From which of these means over equal times on a series is stationary, at most half of them in:
/// where cutting off what comes before leaves the mean of the rest with the least standard error
/// (MSER: White, "An effective truncation heuristic for bias reduction in simulation output",
/// Simulation 69(6), 1997).
std::size_t stationary_from(const std::vector<double>& means);

/// How fast a series grows, a second, and the half-width of its 95 % confidence interval.
struct Growth {
  double per_s = 0;
  double error_per_s = 0;
};
/// The least-squares slope of means over times of `width_s`, at least 3 of them. Neighbouring
/// residuals are alike, and the error allows for it as in an autoregressive process of order one;
/// of 20 means that are much alike it holds the true slope nine times in ten.
Growth growth(const std::vector<double>& means, double width_s);

/// Numbers in the cluster while requests arrived, as means over equal times.
struct ArrivalPhase {
  double from_s = 0;               ///< when the first of these times begins
  double width_s = 0;              ///< of each
  std::vector<double> in_cluster;  ///< requests
  std::vector<double> waiting;     ///< of them, those that no iteration works for
  double arrived = 0;              ///< in all these times together
  double completed = 0;            ///< the same
  double computing_p99_s = 0;      ///< of the seconds in iterations of a request
  double second_quarter = 0;       ///< mean in the cluster in these quarters of the arrivals' time
  double last_quarter = 0;         ///< the same; both of the whole time, not of this phase alone
  double to_s() const { return from_s + width_s * static_cast<double>(in_cluster.size()); }
};

/// Whether a cluster keeps up with what arrives.
struct Steadiness {
  double from_s = 0;  ///< what is judged begins here, and ends with the last arrival
  /// None of those whose pace completed requests set, or that came all at once.
  std::optional<double> offered_rps = 0;
  double served_rps = 0;
  double second_quarter = 0;  ///< as in ArrivalPhase
  double last_quarter = 0;
  Growth in_cluster;
  Growth waiting;
  double filling_share = 0;  ///< of the arrivals: what stays only because the cluster was empty
  bool overload = false;
  bool too_short = false;  ///< nobody can tell

  /// Nothing was offered at a rate that the cluster could have fallen behind.
  void without_rate() {
    offered_rps.reset();
    overload = too_short = false;
  }

  static const FigureTable<Steadiness>& figures();
};

/// `filling_share`: how many of the requests that arrive stay longer than the cluster has been at
/// work, on average over the phase, if none of them waited.
Steadiness judge(const ArrivalPhase& phase, double filling_share);

}  // namespace cleave
