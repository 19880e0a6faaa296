#pragma once

#include <cstddef>
#include <cstdint>

#include "sim/engine/calendar.h"

namespace cleave {

/// Simulated time and the events that are to happen in it: all that most of the simulator needs of
/// its engine, and what tests replace by a clock of their own.
class Clock {
 public:
  Clock() = default;
  virtual ~Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  double now() const { return now_s_; }

  /// Calls `(self->*Method)(argument)` at `time_s`, which is not before now.
  template <auto Method, class T>
  EventId at(double time_s, T* self, std::uint64_t argument = 0, Rank rank = Rank::kNormal) {
    const EventId id = calendar_.add(
        time_s, rank,
        [](void* object, std::uint64_t value) { (static_cast<T*>(object)->*Method)(value); }, self,
        argument);
    event_added();
    return id;
  }

  /// Forgets a scheduled event and its name.
  void cancel(EventId& id) {
    if (id != kNoEvent) calendar_.cancel(id);
    id = kNoEvent;
  }

  /// So many more of the scheduled events, or fewer, only watch what happens.
  void only_watches(int more) { watching_ += static_cast<std::size_t>(more); }
  /// True where nothing is left to happen but `events` scheduled events, and those that only watch.
  virtual bool at_rest_but_for(std::size_t events) const {
    return calendar_.size() <= events + watching_;
  }

 protected:
  virtual void event_added() {}

  Calendar calendar_;
  std::size_t watching_ = 0;
  double now_s_ = 0;
};

}  // namespace cleave
