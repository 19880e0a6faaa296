#include "sim/metrics/token_gaps.h"

namespace cleave {

void TokenGaps::segment(const Segment& segment) {
  if (segment.decodes == 0) return;
  add({segment.start_s - segment.stood_still_s, segment.stood_still_s + segment.first_iteration_s,
       0, 1, segment.decodes - segment.joined});
  if (segment.iterations > 1) {
    add({segment.start_s + segment.first_iteration_s, segment.first_iteration_s + segment.growth_s,
         segment.growth_s, segment.iterations - 1, segment.decodes});
  }
}

void TokenGaps::gap(double time_s, double gap_s) { add({time_s - gap_s, gap_s, 0, 1, 1}); }

void TokenGaps::add(const Run& run) {
  constexpr std::size_t kMostHeld = 1 << 18;
  if (window_.measures(run.start_s)) {
    measure(run);
    return;
  }
  held_.push_back(run);
  if (held_.size() == kMostHeld) window_.decide_by(run.start_s + run.first_s);
}

void TokenGaps::measure(Run run) {
  for (; run.gaps > 0 && !*window_.measures(run.start_s + run.first_s); --run.gaps) {
    run.start_s += run.first_s;
    run.first_s += run.growth_s;
  }
  seconds_.add_run(run.first_s, run.growth_s, run.gaps, run.weight);
}

void TokenGaps::end() {
  for (const Run& run : held_) measure(run);
  held_ = {};
}

}  // namespace cleave
