#include "sim/metrics/measured_window.h"

#include <algorithm>

namespace cleave {

namespace {

/// With fewer requests there is no telling where a warm-up ends.
constexpr std::uint64_t kEnoughToCut = 100;

constexpr double kNotKnown = std::numeric_limits<double>::infinity();

}  // namespace

// A given warm-up is where the series begin; one that is found ends with a bucket. So both are cut
// exactly.
MeasuredWindow::MeasuredWindow(std::optional<double> warmup_s, std::uint64_t warmup_requests)
    : warmup_requests_(warmup_requests),
      from_s_(warmup_requests > 0 ? kNotKnown : warmup_s.value_or(0)),
      given_(warmup_s || warmup_requests > 0),
      time_(from_s_),
      requests_(time_),
      work_(time_) {}

void MeasuredWindow::begin(double time_s) {
  from_s_ = time_s;
  time_.begin_at(time_s);
}

void MeasuredWindow::in_cluster(double time_s, double change) {
  requests_.add(in_cluster_since_s_, time_s, kInCluster, in_cluster_);
  in_cluster_since_s_ = time_s;
  in_cluster_ += change;
}

void MeasuredWindow::last_arrival(double time_s) {
  if (time_s < time_.last_s) return;
  time_.last_s = time_s;
  time_.until_last.reach(time_s - time_.until_last.origin_s());
  requests_.last_moved();
  work_.last_moved();
}

void MeasuredWindow::arrived(double time_s) {
  if (arrivals_ == warmup_requests_) {
    if (warmup_requests_ > 0) begin(time_s);
    first_arrival_s_ = time_s;
  }
  in_cluster(time_s, 1);
  last_arrival(time_s);
  requests_.count(time_s, {0, 0, 1, 0, 0});
  ++arrivals_;
}

void MeasuredWindow::finished(const FinishedRequest& request) {
  in_cluster(request.completion_s, -1);
  requests_.count(request.completion_s, {0, 0, 0, 1, 0});
  const double prompt_s = request.first_token_s - request.prompt_start_s;
  requests_.add(request.prompt_start_s, request.first_token_s, kPromptTokens,
                request.prompt_tokens / prompt_s);
  const auto waited = [&](double from_s, double to_s, double share) {
    requests_.add(from_s, to_s, kWaiting, share);
  };
  waited(request.arrival_s, request.prompt_start_s, 1);
  waited(request.first_token_s, request.token_start_s, 1);
  const double decoding_s = request.completion_s - request.token_start_s;
  const double later_s = request.aside_s - (request.token_start_s - request.first_token_s);
  if (decoding_s > 0 && later_s > 0) {
    waited(request.token_start_s, request.completion_s, later_s / decoding_s);
  }
}

void MeasuredWindow::unfinished(const FinishedRequest& request) {
  requests_.add(request.arrival_s, time_.last_s, kWaiting, 1);
}

void MeasuredWindow::given_up(double time_s, std::uint32_t output_tokens) {
  work_.count(time_s, {-static_cast<double>(output_tokens), 0, 0});
}

void MeasuredWindow::segment(const Segment& segment, double energy_j) {
  const double seconds = segment.end_s - segment.start_s;
  const double tokens = segment.completed_prompts + segment.decode_tokens;
  const bool prompts = segment.prompts > 0;
  work_.add(segment.start_s, segment.end_s,
            {tokens / seconds, prompts ? energy_j / seconds : 0, prompts ? 0 : energy_j / seconds});
}

std::optional<bool> MeasuredWindow::measures(double time_s) const {
  if (given_ || ended_) return time_s >= from_s_;
  if (time_s >= latest_start_s_) return true;
  return std::nullopt;
}

void MeasuredWindow::end(double end_s) {
  if (from_s_ == kNotKnown) begin(end_s);
  in_cluster(end_s, 0);
  if (time_.last_s <= std::max(first_arrival_s_, time_.until_last.origin_s())) last_arrival(end_s);
  to_s_ = time_.last_s;
  ended_ = true;
  if (given_ || arrivals_ < kEnoughToCut) return;
  const double width_s = time_.until_last.width_s();
  const double latest_s = std::min(latest_start_s_, to_s_);
  first_bucket_ = std::min(stationary_bucket(), static_cast<std::size_t>(latest_s / width_s));
  from_s_ = static_cast<double>(first_bucket_) * width_s;
}

std::vector<double> MeasuredWindow::means(OfRequests what, std::size_t first) const {
  const TimeBase& time = time_.until_last;
  const auto whole = static_cast<std::size_t>(time.reached_s() / time.width_s());
  std::vector<double> result;
  for (std::size_t i = first; i < whole; ++i) {
    result.push_back(requests_.until_last().mean(i, what));
  }
  return result;
}

std::size_t MeasuredWindow::stationary_bucket() const {
  return stationary_from(means(kInCluster, 0));
}

double MeasuredWindow::mean_in_cluster(double from_share, double to_share) const {
  const TimeBase& time = time_.until_last;
  const double reached_s = time.reached_s();
  if (reached_s == 0) return 0;
  double sum = 0;
  for (std::size_t i = 0; i < time.size(); ++i) {
    const double start_s = static_cast<double>(i) * time.width_s();
    const double overlap_s = std::min(to_share * reached_s, start_s + time.length_s(i)) -
                             std::max(from_share * reached_s, start_s);
    if (overlap_s > 0) sum += requests_.until_last().mean(i, kInCluster) * overlap_s;
  }
  return sum / ((to_share - from_share) * reached_s);
}

ArrivalPhase MeasuredWindow::stationary_phase() const {
  const std::size_t first = std::max(first_bucket_, stationary_bucket());
  ArrivalPhase phase;
  phase.width_s = time_.until_last.width_s();
  phase.from_s = time_.until_last.origin_s() + static_cast<double>(first) * phase.width_s;
  phase.in_cluster = means(kInCluster, first);
  phase.waiting = means(kWaiting, first);
  for (const double rate : means(kArrived, first)) phase.arrived += rate * phase.width_s;
  for (const double rate : means(kCompleted, first)) phase.completed += rate * phase.width_s;
  phase.second_quarter = mean_in_cluster(0.25, 0.5);
  phase.last_quarter = mean_in_cluster(0.75, 1);
  return phase;
}

}  // namespace cleave
