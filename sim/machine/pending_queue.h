#pragma once

#include <cstdint>
#include <vector>

#include "sim/machine/request_state.h"

namespace cleave {

/// The nodes of all pending queues, by TaskId: a task waits in one queue at a time.
struct PendingNodes {
  struct Node {
    TaskId left = kNoTask;
    TaskId right = kNoTask;
    TaskId parent = kNoTask;
    std::uint32_t size = 0;  ///< of its subtree; 0: not in a queue
    std::uint64_t priority = 0;
  };
  std::vector<Node> nodes;
  std::uint64_t inserted = 0;
};

/// A sequence of tasks with insertion by binary search, access by rank and removal of any, each
/// O(log n). The keys searched by may change while tasks wait, so the sequence may be out of order;
/// then a search probes the ranks that a binary search over an array would probe. A treap whose
/// order is the position.
class PendingQueue {
 public:
  explicit PendingQueue(PendingNodes& nodes) : nodes_(&nodes) {}

  bool empty() const { return root_ == kNoTask; }
  std::uint32_t size() const { return empty() ? 0 : at(root_).size; }
  bool contains(TaskId task) const { return at(task).size != 0; }
  TaskId front() const { return empty() ? kNoTask : leftmost(root_); }
  TaskId at_rank(std::uint32_t rank) const;
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
  PendingNodes::Node& at(TaskId task) { return nodes_->nodes[task]; }
  const PendingNodes::Node& at(TaskId task) const { return nodes_->nodes[task]; }
  std::uint32_t size_of(TaskId task) const { return task == kNoTask ? 0 : at(task).size; }
  TaskId leftmost(TaskId task) const;
  void replace_child(TaskId parent, TaskId old_child, TaskId new_child);
  void rotate_up(TaskId task);

  PendingNodes* nodes_;
  TaskId root_ = kNoTask;
};

}  // namespace cleave
