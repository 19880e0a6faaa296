#pragma once

#include <algorithm>
#include <vector>

#include "sim/core/ids.h"
#include "sim/core/status.h"

namespace cleave {

/// When instances were off: then they draw nothing and cost nothing.
class OffTimes {
 public:
  explicit OffTimes(std::size_t instances = 0) : spans_(instances), off_(instances) {}

  void status_changed(InstanceId instance, double time_s, InstanceStatus status) {
    const bool off = status == InstanceStatus::kOff;
    if (off == off_[instance]) return;
    off_[instance] = off;
    if (off) {
      spans_[instance].push_back({time_s, time_s});
    } else {
      spans_[instance].back().to_s = time_s;
    }
  }
  /// The run is over.
  void end(double end_s) {
    for (InstanceId i = 0; i < spans_.size(); ++i) {
      if (off_[i]) spans_[i].back().to_s = end_s;
    }
  }

  bool never() const {
    return std::all_of(spans_.begin(), spans_.end(),
                       [](const auto& spans) { return spans.empty(); });
  }
  /// Of the time between, after end().
  double seconds(InstanceId instance, double from_s, double to_s) const {
    double sum = 0;
    for (const Span& span : spans_[instance]) {
      sum += std::max(0.0, std::min(to_s, span.to_s) - std::max(from_s, span.from_s));
    }
    return sum;
  }

 private:
  struct Span {
    double from_s;
    double to_s;
  };
  std::vector<std::vector<Span>> spans_;  ///< by instance
  std::vector<bool> off_;
};

}  // namespace cleave
