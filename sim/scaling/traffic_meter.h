#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/scaling/scaling_policy.h"

namespace cleave {

/// Sums up the requests between two looks of a scaling policy.
class TrafficMeter {
 public:
  /// Of latencies, this percentile is what policies see, as a share.
  explicit TrafficMeter(double percentile) : percentile_(percentile) {}

  void arrived(std::uint32_t prompt_tokens) {
    ++arrived_;
    prompt_tokens_ += prompt_tokens;
  }
  void first_token(double ttft_s) { ttft_s_.push_back(ttft_s); }
  /// `tpot_s` of a request of two tokens or more.
  void completed(std::uint32_t output_tokens, double tpot_s) {
    ++completed_;
    output_tokens_ += output_tokens;
    if (output_tokens > 1) tpot_s_.push_back(tpot_s);
  }

  /// What was seen since the last time.
  SeenTraffic take(double now_s) {
    SeenTraffic seen;
    seen.seconds = now_s - since_s_;
    const auto arrived = static_cast<double>(arrived_);
    seen.requests_rps = seen.seconds > 0 ? arrived / seen.seconds : 0;
    seen.prompt_tokens = arrived_ > 0 ? prompt_tokens_ / arrived : 0;
    seen.output_tokens = completed_ > 0 ? output_tokens_ / static_cast<double>(completed_) : 0;
    seen.ttft_s = percentile_of(ttft_s_);
    seen.tpot_s = percentile_of(tpot_s_);
    since_s_ = now_s;
    arrived_ = 0;
    prompt_tokens_ = 0;
    ttft_s_.clear();
    tpot_s_.clear();
    return seen;
  }

 private:
  /// The least value that is above at least so large a share.
  std::optional<double> percentile_of(std::vector<double>& values) const {
    if (values.empty()) return {};
    const auto rank =
        static_cast<std::size_t>(percentile_ * static_cast<double>(values.size() - 1));
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(values.begin(), at, values.end());
    return *at;
  }

  double percentile_;
  double since_s_ = 0;
  std::uint64_t arrived_ = 0;
  double prompt_tokens_ = 0;
  std::uint64_t completed_ = 0;
  double output_tokens_ = 0;
  std::vector<double> ttft_s_;
  std::vector<double> tpot_s_;
};

}  // namespace cleave
