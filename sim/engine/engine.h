#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/engine/clock.h"

namespace cleave {

/// The clock, the calendar and the way to SimGrid. One per process: SimGrid's clock cannot be set
/// back.
///
/// Own events wait in a calendar in front of one armed SimGrid timer. SimGrid's clock advances
/// where flows start, end or change; between, its network model says until when none will, and own
/// events happen without it. Whatever touches flows goes through in_simgrid(), which brings
/// SimGrid's clock up to date first.
class Engine : public Clock {
 public:
  Engine();
  ~Engine() override;

  bool at_rest_but_for(std::size_t events) const override {
    return flows_ == 0 && waiting_.empty() && Clock::at_rest_but_for(events);
  }

  /// Runs until no event and no flow is left.
  void run();
  /// Runs what happens up to and including `time_s`, as run() would; false once nothing is left.
  /// now() is then the time of the last event.
  bool run_until(double time_s);

  /// Events that have happened so far; the ends of flows in SimGrid are not among them.
  std::uint64_t events() const { return events_; }

  // For the fabric: what it needs to keep SimGrid's clock and ours together.

  /// Calls `(self->*Method)(argument)` at once where SimGrid's clock stands at now(), else as soon
  /// as it does, at the same simulated time.
  template <auto Method, class T>
  void in_simgrid(T* self, std::uint64_t argument) {
    const Calendar::Event call{
        now_s_,
        [](void* object, std::uint64_t value) { (static_cast<T*>(object)->*Method)(value); }, self,
        argument};
    if (in_step()) {
      call.function(call.self, call.argument);
    } else {
      waiting_.push_back(call);
    }
  }
  void flow_started() {
    ++flows_;
    ++flow_changes_;
  }
  /// A flow is no longer SimGrid's; no callback tells of its end.
  void flow_taken_back() {
    --flows_;
    ++flow_changes_;
  }
  /// The speed of a link changed.
  void flows_changed() { ++flow_changes_; }
  /// To be called from SimGrid's completion callback, before anything else; afterwards done().
  void flow_ended();
  /// To be called at the end of a callback from SimGrid.
  void callback_done();

 private:
  struct SimGrid;
  class Pause;
  bool in_step() const;
  void event_added() override {
    if (!draining_) arm();
  }
  void arm();
  bool next_is_too_late() const;
  void timer_fired();
  void drain();

  std::vector<Calendar::Event> waiting_;
  std::uint64_t flows_ = 0;
  std::uint64_t flow_changes_ = 1;
  std::uint64_t events_ = 0;
  bool draining_ = false;
  bool draining_before_ = false;  ///< the callback from SimGrid
  bool running_ = false;
  double until_s_ = 0;
  bool cut_short_ = false;  ///< the last drain() left what comes after until_s_
  std::unique_ptr<SimGrid> simgrid_;
};

}  // namespace cleave
