#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "sim/core/records.h"
#include "sim/metrics/steadiness.h"
#include "sim/metrics/time_base.h"

namespace cleave {

/// Time up to the last arrival so far. What lies beyond it is kept apart until the next.
struct ArrivalTime {
  explicit ArrivalTime(double origin_s)
      : until_last(origin_s), beyond(origin_s), last_s(origin_s) {}
  void begin_at(double origin_s) {
    until_last.begin_at(origin_s);
    beyond.begin_at(origin_s);
    last_s = origin_s;
  }
  TimeBase until_last;
  TimeBase beyond;
  double last_s;
};

/// A series over the time in which requests arrive, whose end is known only after the last.
template <std::size_t Channels>
class ArrivalSeries {
 public:
  using Values = typename TimeSeries<Channels>::Values;

  explicit ArrivalSeries(ArrivalTime& time)
      : time_(&time), until_last_(time.until_last), beyond_(time.beyond) {}

  void add(double from_s, double to_s, const Values& values) {
    const double last_s = time_->last_s;
    if (from_s < last_s) until_last_.add(from_s, std::min(to_s, last_s), values);
    if (to_s > last_s) beyond_.add(std::max(from_s, last_s), to_s, values);
  }
  void add(double from_s, double to_s, std::size_t channel, double value) {
    const double last_s = time_->last_s;
    if (from_s < last_s) until_last_.add(from_s, std::min(to_s, last_s), channel, value);
    if (to_s > last_s) beyond_.add(std::max(from_s, last_s), to_s, channel, value);
  }
  void count(double time_s, const Values& amounts) {
    (time_s <= time_->last_s ? until_last_ : beyond_).count(time_s, amounts);
  }
  /// What was beyond the last arrival lies before the new one.
  void last_moved() { beyond_.move_to(until_last_); }
  const TimeSeries<Channels>& until_last() const { return until_last_; }

 private:
  ArrivalTime* time_;
  TimeSeries<Channels> until_last_;
  TimeSeries<Channels> beyond_;
};

/// The part of a run that rates are taken over: from the end of the warm-up to the last arrival;
/// the whole of it where all requests arrive at one instant.
///
/// The warm-up is given in seconds, or as so many requests, the first: it then ends when the next
/// arrives. Without, it ends where the number in the cluster becomes stationary, which is
/// known only after the run. Until then nobody can say whether early requests are measured.
class MeasuredWindow {
 public:
  explicit MeasuredWindow(std::optional<double> warmup_s, std::uint64_t warmup_requests = 0);

  // What happens, in its order.
  void arrived(double time_s);
  void rejected(double time_s) { in_cluster(time_s, -1); }
  void finished(const FinishedRequest& request);
  void unfinished(const FinishedRequest& request);
  void given_up(double time_s, std::uint32_t output_tokens);
  /// `energy_j` is above idle power.
  void segment(const Segment& segment, double energy_j);

  /// Whether what happens at a time is measured, as far as it is known.
  std::optional<bool> measures(double time_s) const;
  std::optional<bool> measures(const FinishedRequest& request) const {
    if (warmup_requests_ > 0) return request.number >= warmup_requests_;
    return measures(request.arrival_s);
  }
  /// From now on it is known: the warm-up ends by `time_s`, which is now.
  void decide_by(double time_s) { latest_start_s_ = std::min(latest_start_s_, time_s); }

  /// Once, after the run: from now on it is known of all times.
  void end(double end_s);

  bool warmup_given() const { return given_; }
  double from_s() const { return from_s_; }
  double to_s() const { return to_s_; }
  double seconds() const { return std::max(0.0, to_s_ - from_s_); }
  double completed() const { return requests(kCompleted); }
  double prompt_tokens() const { return requests(kPromptTokens); }
  double output_tokens() const { return work(kOutputTokens); }
  /// Above idle power: of segments with prompts in them, and of those without.
  double prompt_energy_j() const { return work(kPromptEnergy); }
  double decode_energy_j() const { return work(kDecodeEnergy); }

  /// From where the number in the cluster becomes stationary to the last arrival.
  ArrivalPhase stationary_phase() const;

 private:
  enum OfRequests : std::uint8_t {
    kInCluster,
    kWaiting,
    kArrived,
    kCompleted,
    kPromptTokens,
    kOfRequests
  };
  enum OfWork : std::uint8_t { kOutputTokens, kPromptEnergy, kDecodeEnergy, kOfWork };

  void begin(double time_s);
  void in_cluster(double time_s, double change);
  void last_arrival(double time_s);
  double requests(OfRequests what) const {
    return requests_.until_last().total(what, first_bucket_);
  }
  double work(OfWork what) const { return work_.until_last().total(what, first_bucket_); }
  /// Means over the whole buckets from `first` on.
  std::vector<double> means(OfRequests what, std::size_t first) const;
  std::size_t stationary_bucket() const;
  /// Mean number in the cluster between two shares of the time in which requests arrived, from a
  /// given warm-up's end on.
  double mean_in_cluster(double from_share, double to_share) const;

  std::uint64_t warmup_requests_;
  double from_s_;
  bool given_;
  double latest_start_s_ = std::numeric_limits<double>::infinity();
  ArrivalTime time_;
  ArrivalSeries<kOfRequests> requests_;
  ArrivalSeries<kOfWork> work_;
  double in_cluster_ = 0;
  double in_cluster_since_s_ = 0;
  std::uint64_t arrivals_ = 0;
  double first_arrival_s_ = 0;
  bool ended_ = false;
  std::size_t first_bucket_ = 0;
  double to_s_ = 0;
};

}  // namespace cleave
