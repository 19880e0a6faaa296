#pragma once

#include <algorithm>
#include <cstdint>

#include "sim/engine/calendar.h"
#include "sim/machine/run_length.h"

namespace cleave {

/// A run of iterations with an unchanged batch, under way or over.
struct Run {
  double start_s = 0;
  std::uint64_t iterations = 0;
  RunLength length;
  EventId end = kNoEvent;      ///< while it is under way
  bool paused = false;         ///< ends with the iteration under way
  std::int64_t kv_tokens = 0;  ///< that its first iteration reads

  bool under_way() const { return end != kNoEvent; }
  double end_s() const { return start_s + length.duration_s(iterations); }
  std::uint64_t done(double now_s) const {
    return std::min(length.done_by(now_s - start_s), iterations);
  }
  /// Iterations that have begun: those done, and one more.
  std::uint64_t begun(double now_s) const {
    return under_way() ? std::min(length.done_by(now_s - start_s) + 1, iterations) : 0;
  }
};

}  // namespace cleave
