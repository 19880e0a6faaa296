#pragma once

#include <deque>

#include "sim/metrics/measured_window.h"
#include "sim/metrics/quantiles.h"

namespace cleave {

/// The times between tokens, of those tokens that come in the measured window or after it.
class TokenGaps {
 public:
  explicit TokenGaps(MeasuredWindow& window) : window_(window) {}

  void segment(const Segment& segment);
  void gap(double time_s, double gap_s);
  /// Once, after the window has ended: takes what was held back.
  void end();
  const Quantiles& seconds() const { return seconds_; }

 private:
  /// Gaps one after the other, each `growth_s` longer than the one before; `weight` times each.
  struct Run {
    double start_s;
    double first_s;
    double growth_s;
    std::uint32_t gaps;
    std::uint32_t weight;
  };

  void add(const Run& run);
  void measure(Run run);

  MeasuredWindow& window_;
  std::deque<Run> held_;  ///< nobody can say yet whether they are measured
  Quantiles seconds_;
};

}  // namespace cleave
