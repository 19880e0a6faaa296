#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/indexed_heap.h"

namespace cleave {

/// Names a scheduled event until it happens or is cancelled.
using EventId = std::uint32_t;
inline constexpr EventId kNoEvent = 0xffffffffU;

/// Events at one time happen by rank, and within a rank in the order in which they were scheduled.
enum class Rank : std::uint8_t { kArrival, kNormal };

/// What is to happen, and when: an indexed heap of plain function pointers, no allocation in steady
/// state.
class Calendar {
 public:
  using Function = void (*)(void* self, std::uint64_t argument);
  struct Event {
    double time_s;
    Function function;
    void* self;
    std::uint64_t argument;
  };

  Calendar() : heap_(positions_) {}
  Calendar(const Calendar&) = delete;
  Calendar& operator=(const Calendar&) = delete;

  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  double next_s() const { return heap_.top().key.time_s; }
  /// Asks the processor to fetch the beginning of who is called next: in a large cluster that is in
  /// none of its caches.
  void fetch_next() const {
    constexpr std::size_t kLine = 64;
    constexpr std::size_t kLines = 18;
    if (empty()) return;
    const char* self = static_cast<const char*>(actions_[heap_.top().id].self);
    for (std::size_t i = 0; i < kLines; ++i) __builtin_prefetch(self + i * kLine);
  }

  EventId add(double time_s, Rank rank, Function function, void* self, std::uint64_t argument) {
    EventId id = 0;
    if (free_.empty()) {
      id = static_cast<EventId>(actions_.size());
      actions_.emplace_back();
      positions_.push_back(0);
    } else {
      id = free_.back();
      free_.pop_back();
    }
    actions_[id] = {function, self, argument};
    const std::uint64_t order = (static_cast<std::uint64_t>(rank) << 56) | next_order_++;
    heap_.push({time_s, order}, id);
    return id;
  }

  void cancel(EventId id) {
    heap_.erase(id);
    free_.push_back(id);
  }

  Event pop() {
    const double time_s = heap_.top().key.time_s;
    const EventId id = heap_.top().id;
    heap_.pop();
    free_.push_back(id);
    const Action& action = actions_[id];
    return {time_s, action.function, action.self, action.argument};
  }

 private:
  struct Key {
    double time_s;
    std::uint64_t order;
    bool operator<(const Key& other) const {
      return less_or(time_s, other.time_s, order < other.order);
    }
  };
  struct Action {
    Function function;
    void* self;
    std::uint64_t argument;
  };

  IndexedHeap<Key>::Positions positions_;
  IndexedHeap<Key> heap_;
  std::vector<Action> actions_;
  std::vector<EventId> free_;
  std::uint64_t next_order_ = 0;
};

}  // namespace cleave
