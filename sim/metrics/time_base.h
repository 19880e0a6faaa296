#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

namespace cleave {

/// The buckets of time that series share, so that all of them are equally wide, begin together and
/// end together. Buckets are equal, from `origin_s` on, and double in width whenever there would be
/// more than kMost, so that memory stays bounded.
class TimeBase {
 public:
  static constexpr std::size_t kMost = 512;

  explicit TimeBase(double origin_s = 0) : origin_s_(origin_s) {}
  TimeBase(const TimeBase&) = delete;
  TimeBase& operator=(const TimeBase&) = delete;

  /// Before anything is added, of a base whose origin was not known: infinite so far.
  void begin_at(double origin_s) { origin_s_ = origin_s; }
  double origin_s() const { return origin_s_; }
  double width_s() const { return width_s_; }
  /// Of some time since the origin, in buckets. Exact, as widths are powers of two.
  double buckets(double since_origin_s) const { return since_origin_s * per_s_; }
  unsigned doublings() const { return doublings_; }
  /// Seconds since the origin that some series has reached.
  double reached_s() const { return reached_s_; }
  /// Buckets up to there; the last may be shorter than the others.
  std::size_t size() const { return static_cast<std::size_t>(std::ceil(reached_s_ / width_s_)); }
  double from_s(std::size_t bucket) const { return static_cast<double>(bucket) * width_s_; }
  double length_s(std::size_t bucket) const {
    return std::min(width_s_, reached_s_ - static_cast<double>(bucket) * width_s_);
  }

  void reach(double since_origin_s) {
    if (since_origin_s <= reached_s_) return;
    reached_s_ = since_origin_s;
    for (; reached_s_ > width_s_ * kMost; ++doublings_) {
      width_s_ *= 2;
      per_s_ /= 2;
    }
  }

 private:
  static constexpr double kFirstWidthS = 0.125;

  double origin_s_;
  double reached_s_ = 0;
  double width_s_ = kFirstWidthS;
  double per_s_ = 1 / kFirstWidthS;
  unsigned doublings_ = 0;
};

/// What `Channels` quantities were over time: exact integrals over the buckets of a time base. What
/// lies before its origin is left out.
template <std::size_t Channels>
class TimeSeries {
 public:
  using Values = std::array<double, Channels>;

  explicit TimeSeries(TimeBase& base) : base_(&base) {}

  /// The quantities had these values from `from_s` to `to_s`, on top of what they had.
  void add(double from_s, double to_s, const Values& values) {
    if (!(to_s > from_s)) return;
    over_buckets(from_s, to_s, [&](std::size_t bucket, double seconds) {
      for (std::size_t i = 0; i < Channels; ++i) buckets_[bucket][i] += values[i] * seconds;
    });
  }

  /// The same of one of them.
  void add(double from_s, double to_s, std::size_t channel, double value) {
    if (!(to_s > from_s)) return;
    over_buckets(from_s, to_s, [&](std::size_t bucket, double seconds) {
      buckets_[bucket][channel] += value * seconds;
    });
  }

  /// Adds `amounts` to the integrals at one moment, which belongs to the bucket that it may end.
  void count(double time_s, const Values& amounts) {
    time_s -= base_->origin_s();
    if (time_s < 0) return;
    base_->reach(time_s);
    catch_up();
    const double buckets = std::ceil(base_->buckets(time_s));
    deposit(static_cast<std::size_t>(std::max(1.0, buckets)) - 1, amounts, 1);
  }

  /// Integrals over a bucket of the time base; 0 where nothing was added.
  Values integrals(std::size_t bucket) const {
    const unsigned behind = base_->doublings() - doublings_;
    const std::size_t end = std::min(buckets_.size(), (bucket + 1) << behind);
    Values sums{};
    for (std::size_t i = bucket << behind; i < end; ++i) add_to(sums, buckets_[i]);
    return sums;
  }
  /// Means over a bucket.
  double mean(std::size_t bucket, std::size_t channel) const {
    return integrals(bucket)[channel] / base_->length_s(bucket);
  }
  /// Integral from the beginning of a bucket on.
  double total(std::size_t channel, std::size_t from_bucket = 0) const {
    double sum = 0;
    for (std::size_t i = from_bucket; i < base_->size(); ++i) sum += integrals(i)[channel];
    return sum;
  }

  /// Moves all into a series of the same origin whose time base has reached at least as far.
  void move_to(TimeSeries& other) {
    other.catch_up();
    const unsigned coarser = other.doublings_ - doublings_;
    for (std::size_t i = first_used_; i < buckets_.size(); ++i) {
      other.deposit(i >> coarser, buckets_[i], 1);
      buckets_[i] = {};
    }
    first_used_ = buckets_.size();
    forget_latest();
  }

 private:
  static void add_to(Values& sums, const Values& values) {
    for (std::size_t i = 0; i < Channels; ++i) sums[i] += values[i];
  }

  /// Calls `deposit` with each bucket of some time and the seconds that it has of it.
  template <class Deposit>
  void over_buckets(double from_s, double to_s, Deposit deposit) {
    from_s = std::max(0.0, from_s - base_->origin_s());
    to_s -= base_->origin_s();
    if (!(to_s > from_s)) return;  // nor where nothing is known: the origin is infinite
    base_->reach(to_s);
    catch_up();
    if (from_s >= latest_from_s_ && to_s <= latest_to_s_) {
      deposit(latest_, to_s - from_s);
      return;
    }
    const double width_s = base_->width_s();
    // By way of a signed number, for which processors have an instruction.
    const auto at = [&](double s) { return static_cast<std::int64_t>(base_->buckets(s)); };
    auto bucket = static_cast<std::size_t>(at(from_s));
    auto last = static_cast<std::size_t>(at(to_s));
    if (static_cast<double>(last) * width_s == to_s) --last;
    make_room(bucket, last);
    // Widths are powers of two: what lies between the ends is exact.
    const auto start_s = [&](std::size_t of) { return static_cast<double>(of) * width_s; };
    if (bucket < last) {
      deposit(bucket, start_s(bucket + 1) - from_s);
      for (++bucket; bucket < last; ++bucket) deposit(bucket, width_s);
      from_s = start_s(last);
    }
    deposit(last, to_s - from_s);
    latest_ = last;
    latest_from_s_ = start_s(last);
    latest_to_s_ = start_s(last + 1);
  }

  void make_room(std::size_t first, std::size_t last) {
    if (buckets_.size() <= last) buckets_.resize(last + 1);
    first_used_ = std::min(first_used_, first);
  }

  void deposit(std::size_t bucket, const Values& values, double times) {
    make_room(bucket, bucket);
    for (std::size_t i = 0; i < Channels; ++i) buckets_[bucket][i] += values[i] * times;
  }

  /// To the width that the time base has by now.
  void catch_up() {
    if (doublings_ == base_->doublings()) return;
    forget_latest();
    for (; doublings_ < base_->doublings(); ++doublings_) {
      for (std::size_t i = 0; i < buckets_.size(); ++i) {
        const Values from = buckets_[i];
        if (i % 2 == 0) {
          buckets_[i / 2] = from;
        } else {
          add_to(buckets_[i / 2], from);
        }
      }
      buckets_.resize((buckets_.size() + 1) / 2);
      first_used_ /= 2;
    }
  }

  void forget_latest() { latest_to_s_ = -1; }

  TimeBase* base_;
  unsigned doublings_ = 0;
  // The bucket that was added to last, which most additions lie in; known where it ends after 0.
  std::size_t latest_ = 0;
  double latest_from_s_ = 0;
  double latest_to_s_ = -1;
  std::size_t first_used_ = 0;  ///< none before it
  std::vector<Values> buckets_;
};

}  // namespace cleave
