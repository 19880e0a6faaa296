#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace cleave {

/// What `Channels` quantities were over time: integrals over equal buckets from time 0. The buckets
/// double in width whenever there would be more than kMost, so that memory stays bounded.
template <std::size_t Channels>
class TimeSeries {
 public:
  using Values = std::array<double, Channels>;
  static constexpr std::size_t kMost = 512;

  /// The quantities had these values from `from_s` to `to_s`, on top of what they had.
  void add(double from_s, double to_s, const Values& values) {
    if (to_s <= from_s) return;
    while (to_s >= width_s_ * kMost) widen();
    const auto last = static_cast<std::size_t>(to_s / width_s_);
    if (buckets_.size() <= last) buckets_.resize(last + 1);
    std::size_t bucket = static_cast<std::size_t>(from_s / width_s_);
    for (; bucket < last; ++bucket) {
      const double end_s = static_cast<double>(bucket + 1) * width_s_;
      deposit(bucket, end_s - from_s, values);
      from_s = end_s;
    }
    deposit(last, to_s - from_s, values);
  }

  double width_s() const { return width_s_; }
  std::size_t size() const { return buckets_.size(); }
  /// Mean of a channel over a bucket; the last one is as wide as `end_s` allows.
  double mean(std::size_t bucket, std::size_t channel, double end_s) const {
    const double start_s = static_cast<double>(bucket) * width_s_;
    const double span_s = start_s + width_s_ > end_s ? end_s - start_s : width_s_;
    return span_s > 0 ? buckets_[bucket][channel] / span_s : 0;
  }
  double total(std::size_t channel) const {
    double sum = 0;
    for (const Values& bucket : buckets_) sum += bucket[channel];
    return sum;
  }

 private:
  static constexpr double kFirstWidthS = 0.125;

  void deposit(std::size_t bucket, double seconds, const Values& values) {
    for (std::size_t i = 0; i < Channels; ++i) buckets_[bucket][i] += values[i] * seconds;
  }

  void widen() {
    width_s_ *= 2;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      const Values from = buckets_[i];
      if (i % 2 == 0) {
        buckets_[i / 2] = from;
      } else {
        for (std::size_t j = 0; j < Channels; ++j) buckets_[i / 2][j] += from[j];
      }
    }
    buckets_.resize((buckets_.size() + 1) / 2);
  }

  double width_s_ = kFirstWidthS;
  std::vector<Values> buckets_;
};

}  // namespace cleave
