#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace cleave {

/// Points joined by straight lines and, beyond them, continued with the slope of the last line; a
/// single point is a constant.
class PiecewiseLinear {
 public:
  PiecewiseLinear() = default;
  /// `x` ascends strictly; as many `y`, at least one.
  PiecewiseLinear(std::vector<double> x, std::vector<double> y)
      : x_(std::move(x)), y_(std::move(y)) {}

  double operator()(double x) const {
    if (x_.size() == 1) return y_.front();
    const std::size_t i = line_at(x);
    return y_[i] + (y_[i + 1] - y_[i]) / (x_[i + 1] - x_[i]) * (x - x_[i]);
  }

  /// The first of the two points whose line holds at `x`.
  std::size_t line_at(double x) const {
    const auto above = std::upper_bound(x_.begin(), x_.end(), x) - x_.begin();
    return static_cast<std::size_t>(
        std::clamp<std::ptrdiff_t>(above - 1, 0, static_cast<std::ptrdiff_t>(x_.size()) - 2));
  }

  bool ascends() const { return std::is_sorted(y_.begin(), y_.end()); }

  const std::vector<double>& x() const { return x_; }
  const std::vector<double>& y() const { return y_; }

 private:
  std::vector<double> x_;
  std::vector<double> y_;
};

}  // namespace cleave
