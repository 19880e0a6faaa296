#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sim/base/json_reader.h"
#include "sim/metrics/bin_counts.h"

namespace cleave {

/// What is told of a distribution, in this order.
inline constexpr std::array kStatistics = {"count", "mean", "std", "min", "max",
                                           "p50",   "p90",  "p95", "p99", "p99.9"};

/// The distribution of a measured quantity, from 0 up. Exact as long as there are few values; then
/// counts in bins whose width is 1/2048 of a power of two, so that a quantile is within 0.05 % of
/// the exact one. Count, mean, deviation, least and largest are exact always.
class Quantiles {
 public:
  void add(double value) {
    note(value, 1, value, value * value);
    sorted_ = asked_ = false;
    if (!counting_ && values_.size() < kMostValues) {
      values_.push_back(value);
    } else {
      count(value, 1);
    }
  }
  /// `weight` times each of first, first + growth, ..., `n` of them; growth is not negative.
  void add_run(double first, double growth, std::uint64_t n, std::uint64_t weight);

  std::uint64_t count() const { return count_; }
  double sum() const { return sum_; }
  double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
  double deviation() const;  ///< of the whole population
  double least() const { return count_ == 0 ? 0 : least_; }
  double largest() const { return count_ == 0 ? 0 : largest_; }
  /// Linear between the two nearest ranks; 0 for none. `p` from 0 to 1.
  double quantile(double p) const { return quantiles({p}).front(); }
  std::vector<double> quantiles(const std::vector<double>& shares) const;
  /// kStatistics; all but the count null where there are no values.
  Json json() const;
  /// [value, share of values up to it] at even steps, for drawing.
  Json cumulative(std::size_t points) const;

 private:
  static constexpr std::size_t kMostValues = 1 << 18;

  void note(double value, std::uint64_t weight, double sum, double squares) {
    if (count_ == 0 || value < least_) least_ = value;
    if (value > largest_) largest_ = value;
    count_ += weight;
    sum_ += sum;
    squares_ += squares;
  }
  void count(double value, std::uint64_t weight);
  void start_counting();
  std::vector<double> at_ranks(const std::vector<std::uint64_t>& ranks) const;

  std::uint64_t count_ = 0;
  double sum_ = 0;
  double squares_ = 0;
  double least_ = 0;
  double largest_ = 0;
  mutable std::vector<double> values_;  ///< all of them while they are few, in any order
  mutable bool asked_ = false;          ///< since the last came: who asks on has them sorted
  mutable bool sorted_ = false;
  bool counting_ = false;  ///< once they are many
  BinCounts counts_;
};

}  // namespace cleave
