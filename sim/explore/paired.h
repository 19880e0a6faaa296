#pragma once

#include <vector>

namespace cleave {

struct Interval {
  double low = 0;
  double high = 0;

  bool contains(double value) const { return low <= value && value <= high; }
};

/// Where the mean of the population lies that `differences` (two or more) are drawn from, with
/// `confidence` (0.95), where they are normally distributed: mean +- t s / sqrt(n), t of Student's
/// distribution with n - 1 degrees of freedom.
Interval mean_interval(const std::vector<double>& differences, double confidence);

}  // namespace cleave
