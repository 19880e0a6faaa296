#include "traces/clients.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sim/base/error.h"
#include "traces/trace_reader.h"

namespace cleave {

namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

/// No request may arrive so late that times lose their digits.
void check_in_time(double time_s) {
  if (time_s <= kMaxArrivalS) return;
  throw InputError(
      "workload: a request would arrive after more than 1e9 s; expected a higher rate, fewer "
      "requests, or duration_s");
}

}  // namespace

Clients::Clients(SourcePtr requests, const ClientSettings& settings)
    : requests_(std::move(requests)), settings_(settings) {
  take();
  if (!more_) {
    throw InputError(
        "workload: no request is left; expected a trace with requests between "
        "from_s and to_s and before duration_s");
  }
  start(0);
  first_done_ = settings.completed_first == 0;
}

void Clients::start(double now_s) {
  start_s_ = now_s;
  ready_s_ = {};
  const std::uint64_t count = settings_.concurrency.value_or(0);
  for (std::uint64_t i = 0; i < count; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(count);
    ready_s_.push(now_s + settings_.ramp_up_s * share);
  }
}

void Clients::take() {
  next_.content.clear();
  next_.session = 0;
  more_ = requests_->next(next_);
  if (more_) check_in_time(next_.arrival_s);
}

double Clients::next_s() const {
  double time_s = next_first_s();
  if (!turns_.empty()) time_s = std::min(time_s, turns_.front().arrival_s);
  return first_done_ && time_s >= start_s_ + settings_.duration_s ? kNever : time_s;
}

double Clients::next_first_s() const {
  if (!more_ || waits_for_first()) return kNever;
  double time_s = start_s_ + next_.arrival_s;
  if (settings_.concurrency) {
    if (ready_s_.empty()) return kNever;
    time_s = std::max(time_s, ready_s_.top());
  }
  return time_s;
}

void Clients::send(Request& request) {
  const double now_s = next_s();
  if (!turns_.empty() && turns_.front().arrival_s == now_s) {
    check_in_time(now_s);
    std::pop_heap(turns_.begin(), turns_.end());
    std::swap(request, turns_.back().request);
    turns_.pop_back();
    request.arrival_s = now_s;
    return;
  }
  std::swap(request, next_);
  request.arrival_s = now_s;
  check_in_time(request.arrival_s);
  check_progress(request.arrival_s);
  if (settings_.concurrency) ready_s_.pop();
  ++sent_;
  ++under_way_;
  take();
}

// Requests that no machine can hold are rejected at once, and would be followed by others for ever
// where only time ends them.
void Clients::check_progress(double now_s) {
  constexpr std::uint64_t kMost = 1'000'000;
  if (!settings_.concurrency) return;
  sent_at_once_ = now_s == last_s_ ? sent_at_once_ + 1 : 1;
  last_s_ = now_s;
  if (sent_at_once_ > kMost + *settings_.concurrency) {
    throw InputError("workload: more than " + std::to_string(kMost) +
                     " requests in a row are too large for every machine; expected shorter ones");
  }
}

void Clients::completed(double now_s, std::uint64_t session, bool served) {
  Request turn;
  if (session != 0 && requests_->follow_up(session, served, turn)) {
    const double time_s =
        turn.after_s >= 0 ? now_s + turn.after_s : std::max(now_s, start_s_ + turn.arrival_s);
    turns_.push_back({time_s, turns_so_far_++, std::move(turn)});
    std::push_heap(turns_.begin(), turns_.end());
    return;
  }
  --under_way_;
  if (settings_.concurrency) ready_s_.push(now_s + settings_.think_s);
  if (waits_for_first() && under_way_ == 0) {
    first_done_ = true;
    start(now_s);
  }
}

}  // namespace cleave
