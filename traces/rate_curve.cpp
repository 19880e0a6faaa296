#include "traces/rate_curve.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "sim/base/csv_table.h"
#include "sim/base/error.h"
#include "traces/request.h"

namespace cleave {

namespace {

constexpr double kMostRps = 1e9;
constexpr double kLongestS = 1e9;

double trapezoid(const RateCurve::Point& from, const RateCurve::Point& to) {
  return (from.rate_rps + to.rate_rps) / 2 * (to.time_s - from.time_s);
}

/// Why `point` cannot follow the points before it; "" where it can.
std::string what_is_wrong(const std::vector<RateCurve::Point>& before,
                          const RateCurve::Point& point) {
  if (!(point.rate_rps >= 0 && point.rate_rps <= kMostRps)) {
    return "expected a rate from 0 to 1e9 requests/s";
  }
  if (before.empty()) return point.time_s == 0 ? "" : "expected the first time to be 0";
  const bool later = point.time_s > before.back().time_s && point.time_s <= kLongestS;
  return later ? "" : "expected a time after the one before, at most 1e9 s";
}

std::vector<RateCurve::Point> points_of(const CsvTable& table) {
  for (const char* column : {"seconds", "requests_per_s"}) {
    if (!table.has(column)) {
      throw InputError(table.file() + ": expected the columns seconds and requests_per_s; \"" +
                       column + "\" is missing");
    }
  }
  std::vector<RateCurve::Point> points;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const RateCurve::Point point{table.number(row, "seconds"), table.number(row, "requests_per_s")};
    const std::string wrong = what_is_wrong(points, point);
    if (!wrong.empty()) {
      throw InputError(table.file() + ", line " + std::to_string(row + 2) + ": " + wrong);
    }
    points.push_back(point);
  }
  return points;
}

std::vector<RateCurve::Point> points_of(JsonReader& reader) {
  const Json& list = reader.value("rates");
  if (list.is_string()) return points_of(CsvTable(list.get<std::string>()));
  if (!list.is_array()) {
    reader.fail("rates", "expected a list of [seconds, requests/s], or the name of a CSV file");
  }
  std::vector<RateCurve::Point> points;
  for (const Json& entry : list) {
    const std::string place = "rates[" + std::to_string(points.size()) + "]";
    const bool pair =
        entry.is_array() && entry.size() == 2 && entry[0].is_number() && entry[1].is_number();
    if (!pair) reader.fail(place, "expected [seconds, requests/s]");
    const RateCurve::Point point{entry[0].get<double>(), entry[1].get<double>()};
    const std::string wrong = what_is_wrong(points, point);
    if (!wrong.empty()) reader.fail(place, wrong);
    points.push_back(point);
  }
  return points;
}

}  // namespace

RateCurve::RateCurve(std::vector<Point> points, std::optional<double> period_s)
    : points_(std::move(points)), expected_{0}, period_s_(period_s) {
  if (period_s_ && points_.back().time_s < *period_s_) {
    points_.push_back({*period_s_, points_.back().rate_rps});
  }
  for (std::size_t i = 1; i < points_.size(); ++i) {
    expected_.push_back(expected_.back() + trapezoid(points_[i - 1], points_[i]));
  }
}

RateCurve RateCurve::of_steps(const std::vector<double>& rates_rps, double step_s, double factor) {
  std::vector<Point> points{{0, rates_rps.front() * factor}};
  for (std::size_t i = 1; i < rates_rps.size(); ++i) {
    if (rates_rps[i] == rates_rps[i - 1]) continue;
    const double time_s = static_cast<double>(i) * step_s;
    points.push_back({time_s, rates_rps[i - 1] * factor});
    points.push_back({time_s, rates_rps[i] * factor});
  }
  return RateCurve(std::move(points), static_cast<double>(rates_rps.size()) * step_s);
}

double RateCurve::mean_rps() const {
  return span_s() > 0 ? expected_.back() / span_s() : points_.back().rate_rps;
}

RateCurve RateCurve::scaled_to(double mean_rps) const {
  const double factor = mean_rps / this->mean_rps();
  std::vector<Point> points = points_;
  for (Point& point : points) point.rate_rps *= factor;
  return RateCurve(std::move(points), period_s_);
}

double RateCurve::rate_at(double time_s) const {
  if (period_s_) time_s = std::fmod(time_s, *period_s_);
  const auto after =
      std::upper_bound(points_.begin(), points_.end(), time_s,
                       [](double time, const Point& point) { return time < point.time_s; });
  if (after == points_.end()) return points_.back().rate_rps;
  const Point& from = *(after - 1);
  const double share = (time_s - from.time_s) / (after->time_s - from.time_s);
  return from.rate_rps + share * (after->rate_rps - from.rate_rps);
}

double RateCurve::time_of(double requests) const {
  if (!period_s_) return within(requests);
  const double rounds = std::floor(requests / expected_.back());
  const double left = requests - rounds * expected_.back();
  return rounds * *period_s_ + within(std::clamp(left, 0.0, expected_.back()));
}

// Of a straight line of rates, r + s t, the requests up to t are r t + s t^2 / 2.
double RateCurve::within(double requests) const {
  if (points_.size() == 1 && points_[0].rate_rps > 0) return requests / points_[0].rate_rps;
  const auto after = std::upper_bound(expected_.begin(), expected_.end(), requests);
  const auto last = static_cast<std::size_t>(after - expected_.begin()) - 1;
  const Point& from = points_[last];
  const double left = requests - expected_[last];
  if (last + 1 == points_.size()) {
    if (left > 0 && from.rate_rps == 0) return std::numeric_limits<double>::infinity();
    return left == 0 ? from.time_s : from.time_s + left / from.rate_rps;
  }
  const Point& to = points_[last + 1];
  const double slope = (to.rate_rps - from.rate_rps) / (to.time_s - from.time_s);
  const double root = std::sqrt(std::max(0.0, from.rate_rps * from.rate_rps + 2 * slope * left));
  const double sum = from.rate_rps + root;
  return sum > 0 ? std::min(to.time_s, from.time_s + 2 * left / sum) : from.time_s;
}

RateCurve read_rates(JsonReader& reader) {
  std::vector<RateCurve::Point> points = points_of(reader);
  const bool any = std::any_of(points.begin(), points.end(),
                               [](const auto& point) { return point.rate_rps > 0; });
  if (!any) reader.fail("rates", "expected one rate above 0 at least");
  std::optional<double> period_s;
  if (reader.has("rates_period_s")) {
    period_s = reader.number("rates_period_s", {0, kLongestS, true});
    if (*period_s < points.back().time_s) {
      reader.fail("rates_period_s", "expected no less than the last time of rates");
    }
  }
  return RateCurve(std::move(points), period_s);
}

}  // namespace cleave
