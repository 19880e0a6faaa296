#pragma once

#include <cmath>
#include <cstdint>

namespace cleave {

/// Count, mean and deviation of numbers seen one by one (Welford's update).
class Moments {
 public:
  void add(double value) {
    ++count_;
    const double off = value - mean_;
    mean_ += off / static_cast<double>(count_);
    squares_ += off * (value - mean_);
  }
  std::uint64_t count() const { return count_; }
  double mean() const { return mean_; }
  /// Of the whole population; 0 for fewer than two numbers.
  double deviation() const {
    return count_ < 2 ? 0 : std::sqrt(squares_ / static_cast<double>(count_));
  }

 private:
  std::uint64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

/// Pearson's correlation of pairs seen one by one.
class PairMoments {
 public:
  void add(double x, double y) {
    const double x_off = x - x_.mean();
    x_.add(x);
    y_.add(y);
    products_ += x_off * (y - y_.mean());
  }
  /// 0 where one side never varies.
  double correlation() const {
    const double spread = x_.deviation() * y_.deviation() * static_cast<double>(x_.count());
    return spread > 0 ? products_ / spread : 0;
  }

 private:
  Moments x_;
  Moments y_;
  double products_ = 0;
};

}  // namespace cleave
