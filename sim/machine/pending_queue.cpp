#include "sim/machine/pending_queue.h"

#include "sim/base/random.h"

namespace cleave {

TaskId PendingQueue::leftmost(TaskId task) const {
  while (at(task).left != kNoTask) task = at(task).left;
  return task;
}

TaskId PendingQueue::at_rank(std::uint32_t rank) const {
  TaskId task = root_;
  while (true) {
    const std::uint32_t before = size_of(at(task).left);
    if (rank == before) return task;
    if (rank < before) {
      task = at(task).left;
    } else {
      rank -= before + 1;
      task = at(task).right;
    }
  }
}

TaskId PendingQueue::after(TaskId task) const {
  if (at(task).right != kNoTask) return leftmost(at(task).right);
  TaskId parent = at(task).parent;
  while (parent != kNoTask && at(parent).right == task) {
    task = parent;
    parent = at(parent).parent;
  }
  return parent;
}

void PendingQueue::insert_at(TaskId task, std::uint32_t rank) {
  PendingNodes::Node& node = at(task);
  node = {};
  node.size = 1;
  node.priority = Random(0, nodes_->inserted++).bits();
  if (root_ == kNoTask) {
    root_ = task;
    return;
  }
  TaskId parent = root_;
  while (true) {
    PendingNodes::Node& above = at(parent);
    ++above.size;
    const std::uint32_t before = size_of(above.left);
    TaskId& child = rank <= before ? above.left : above.right;
    if (rank > before) rank -= before + 1;
    if (child == kNoTask) {
      child = task;
      break;
    }
    parent = child;
  }
  node.parent = parent;
  while (node.parent != kNoTask && at(node.parent).priority < node.priority) rotate_up(task);
}

void PendingQueue::replace_child(TaskId parent, TaskId old_child, TaskId new_child) {
  if (parent == kNoTask) {
    root_ = new_child;
  } else if (at(parent).left == old_child) {
    at(parent).left = new_child;
  } else {
    at(parent).right = new_child;
  }
}

void PendingQueue::rotate_up(TaskId task) {
  PendingNodes::Node& node = at(task);
  const TaskId parent = node.parent;
  PendingNodes::Node& above = at(parent);
  const bool from_left = above.left == task;
  TaskId& inner = from_left ? node.right : node.left;
  (from_left ? above.left : above.right) = inner;
  if (inner != kNoTask) at(inner).parent = parent;
  inner = parent;
  node.parent = above.parent;
  replace_child(above.parent, parent, task);
  above.parent = task;
  above.size = 1 + size_of(above.left) + size_of(above.right);
  node.size = 1 + size_of(node.left) + size_of(node.right);
}

void PendingQueue::erase(TaskId task) {
  PendingNodes::Node& node = at(task);
  while (node.left != kNoTask && node.right != kNoTask) {
    rotate_up(at(node.left).priority > at(node.right).priority ? node.left : node.right);
  }
  const TaskId child = node.left != kNoTask ? node.left : node.right;
  if (child != kNoTask) at(child).parent = node.parent;
  replace_child(node.parent, task, child);
  for (TaskId above = node.parent; above != kNoTask; above = at(above).parent) --at(above).size;
  node = {};
}

}  // namespace cleave
