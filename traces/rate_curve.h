#pragma once

#include <optional>
#include <vector>

#include "sim/base/json_reader.h"

namespace cleave {

/// A rate over time, linear between points; behind the last it stays, or begins again. Two points
/// at one time are a step.
class RateCurve {
 public:
  struct Point {
    double time_s;
    double rate_rps;
  };

  /// The same at all times, above 0.
  explicit RateCurve(double rate_rps = 1) : points_{{0, rate_rps}}, expected_{0} {}
  /// The first point is at 0, times never go back, and some rate is above 0. Where there is a
  /// period, it is not before the last point.
  explicit RateCurve(std::vector<Point> points, std::optional<double> period_s = {});
  /// Each rate for `step_s`, times `factor`, and from the first again.
  static RateCurve of_steps(const std::vector<double>& rates_rps, double step_s, double factor = 1);

  /// Of a period, or of the time up to the last point; 0 where that is the first.
  double span_s() const { return period_s_.value_or(points_.back().time_s); }
  /// Over that time.
  double mean_rps() const;
  RateCurve scaled_to(double mean_rps) const;

  double rate_at(double time_s) const;
  /// The time by which so many requests are expected; infinite where so many never come.
  double time_of(double requests) const;

 private:
  double within(double requests) const;

  std::vector<Point> points_;
  std::vector<double> expected_;  ///< requests up to each point
  std::optional<double> period_s_;
};

/// The key "rates" of a workload: a list of [seconds, requests/s], or the name of a CSV file with
/// columns "seconds" and "requests_per_s"; beside it, "rates_period_s". Throws InputError.
RateCurve read_rates(JsonReader& reader);

}  // namespace cleave
