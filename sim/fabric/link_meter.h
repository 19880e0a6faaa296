#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/base/error.h"
#include "sim/core/records.h"

namespace cleave {

/// How busy a link was: bytes in equal windows of time, whose width doubles when there would be too
/// many. The windows of all meters that have seen the same times are the same.
class LinkMeter {
 public:
  static constexpr std::size_t kWindows = 256;
  static constexpr double kFirstWindowS = 0.0625;
  static constexpr double kRounding = 1e-6;

  /// `bytes` crossed evenly between two times, in seconds.
  void add(double from_s, double to_s, double bytes) {
    while (to_s >= width_s_ * kWindows) halve();
    bytes_ += bytes;
    std::size_t window = window_at(from_s);
    const std::size_t last = window_at(to_s);
    if (windows_.size() <= last) windows_.resize(last + 1);
    if (window == last) {
      windows_[window] += bytes;
      return;
    }
    const double rate_bytes_per_s = bytes / (to_s - from_s);
    for (; window <= last; ++window) {
      const double begin_s = std::max(from_s, static_cast<double>(window) * width_s_);
      const double end_s = std::min(to_s, static_cast<double>(window + 1) * width_s_);
      windows_[window] += rate_bytes_per_s * (end_s - begin_s);
    }
  }

  /// Of a link of this bandwidth, up to `end_s`; it is yet to be named.
  LinkUse use(double bandwidth_bytes_per_s, double end_s) const {
    std::vector<double> shares = this->shares(bandwidth_bytes_per_s, end_s);
    const auto windows = static_cast<double>(shares.size());
    const auto p99 = shares.begin() + static_cast<std::ptrdiff_t>(0.99 * (windows - 1));
    std::nth_element(shares.begin(), p99, shares.end());
    const auto above_90 =
        std::count_if(shares.begin(), shares.end(), [](double share) { return share >= 0.9; });
    LinkUse use;
    use.bytes = bytes_;
    use.mean = end_s > 0 ? bytes_ / (bandwidth_bytes_per_s * end_s) : 0;
    use.p99 = *p99;
    use.above_90 = static_cast<double>(above_90) / windows;
    return use;
  }

  /// Shares of `bandwidth_bytes_per_s` used in each window up to `end_s`.
  std::vector<double> shares(double bandwidth_bytes_per_s, double end_s) const {
    // Long after the last bytes the windows are still as narrow as these wanted them.
    LinkMeter wide = *this;
    while (end_s >= wide.width_s_ * kWindows) wide.halve();
    std::vector<double> shares(
        std::max<std::size_t>(1, static_cast<std::size_t>(end_s / wide.width_s_)));
    for (std::size_t i = 0; i < std::min(shares.size(), wide.windows_.size()); ++i) {
      const double share = wide.windows_[i] / (bandwidth_bytes_per_s * wide.width_s_);
      if (share > 1 + kRounding) {
        broken_invariant("a link carried " + std::to_string(share) + " of what it can");
      }
      shares[i] = std::min(1.0, share);
    }
    return shares;
  }

 private:
  /// Exact, as widths are powers of two; by way of a signed number, for which processors have an
  /// instruction.
  std::size_t window_at(double time_s) const {
    return static_cast<std::size_t>(static_cast<std::int64_t>(time_s * per_s_));
  }

  void halve() {
    for (std::size_t i = 0; i < windows_.size(); i += 2) {
      windows_[i / 2] = windows_[i] + (i + 1 < windows_.size() ? windows_[i + 1] : 0);
    }
    windows_.resize((windows_.size() + 1) / 2);
    width_s_ *= 2;
    per_s_ /= 2;
  }

  std::vector<double> windows_;
  double width_s_ = kFirstWindowS;
  double per_s_ = 1 / kFirstWindowS;
  double bytes_ = 0;
};

}  // namespace cleave
