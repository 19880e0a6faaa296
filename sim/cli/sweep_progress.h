#pragma once

#include <chrono>
#include <cstdint>

namespace cleave {

/// A bar on stderr that says how far a sweep is, with its rate and the time left; a line now and
/// then where stderr is no terminal.
class SweepProgress {
 public:
  explicit SweepProgress(bool quiet);
  ~SweepProgress();
  /// `done` of `total` points, `already` of them before this began.
  void show(std::uint64_t done, std::uint64_t total, std::uint64_t already, std::uint64_t failed);

 private:
  using Clock = std::chrono::steady_clock;

  bool quiet_;
  bool terminal_;
  bool shown_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_;
};

}  // namespace cleave
