#pragma once

#include <cstdint>
#include <vector>

#include "sim/machine/request_state.h"

namespace cleave {

/// A sequence of tasks with insertion by binary search, access by rank and removal of any. The keys
/// searched by may change while tasks wait, so the sequence may be out of order; a search probes
/// the ranks that a binary search over an array would probe. It is such an array, cut into blocks,
/// so that what an insertion moves stays little however many wait.
class PendingQueue {
 public:
  /// The block of its queue that each task stands in, by TaskId, kNowhere of others; for all
  /// queues, as a task waits in one at a time.
  using Places = std::vector<std::uint32_t>;
  static constexpr std::uint32_t kNowhere = 0xffffffffU;
  static constexpr std::size_t kBlock = 512;  ///< tasks in a block at most

  explicit PendingQueue(Places& places) : places_(&places) {}

  bool empty() const { return size_ == 0; }
  std::uint32_t size() const { return size_; }
  TaskId front() const { return empty() ? kNoTask : blocks_[order_.front()].tasks.front(); }
  TaskId at_rank(std::uint32_t rank) const {
    std::size_t before = rank;
    auto block = order_.begin();
    for (; before >= blocks_[*block].tasks.size(); ++block) before -= blocks_[*block].tasks.size();
    return blocks_[*block].tasks[before];
  }
  /// The task behind `task`, or kNoTask.
  TaskId after(TaskId task) const;

  /// Inserts to the right of the last probed task that is not after it: `goes_before(other)` says
  /// whether the new task belongs before `other`.
  template <class GoesBefore>
  void insert(TaskId task, GoesBefore goes_before) {
    std::uint32_t low = 0;
    std::uint32_t high = size();
    while (low < high) {
      const std::uint32_t middle = (low + high) / 2;
      if (goes_before(at_rank(middle))) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    insert_at(task, low);
  }
  void insert_at(TaskId task, std::uint32_t rank);
  void erase(TaskId task);

 private:
  struct Block {
    std::vector<TaskId> tasks;
    std::size_t place = 0;  ///< in order_
  };

  std::uint32_t add_block(std::size_t place);
  void number_from(std::size_t place);
  void split(std::uint32_t block);

  Places* places_;
  std::vector<Block> blocks_;
  std::vector<std::uint32_t> order_;  ///< of the blocks in use, of which none is empty
  std::vector<std::uint32_t> free_;   ///< blocks that are not
  std::uint32_t size_ = 0;
};

}  // namespace cleave
