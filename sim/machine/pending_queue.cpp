#include "sim/machine/pending_queue.h"

#include <utility>

namespace cleave {

namespace {

/// Where in a block a task stands. Compares many at once, as processors can.
std::ptrdiff_t place_in(const std::vector<TaskId>& tasks, TaskId task) {
  constexpr std::size_t kAtOnce = 32;
  std::size_t place = 0;
  for (; place + kAtOnce <= tasks.size(); place += kAtOnce) {
    const TaskId* from = tasks.data() + place;
    std::uint32_t found = 0;
    for (std::size_t i = 0; i < kAtOnce; ++i) found += from[i] == task ? 1U : 0U;
    if (found != 0) break;
  }
  while (tasks[place] != task) ++place;
  return static_cast<std::ptrdiff_t>(place);
}

}  // namespace

TaskId PendingQueue::after(TaskId task) const {
  const Block& block = blocks_[(*places_)[task]];
  const auto next = block.tasks.begin() + place_in(block.tasks, task) + 1;
  if (next != block.tasks.end()) return *next;
  const std::size_t place = block.place + 1;
  return place == order_.size() ? kNoTask : blocks_[order_[place]].tasks.front();
}

void PendingQueue::insert_at(TaskId task, std::uint32_t rank) {
  if (order_.empty()) add_block(0);
  std::size_t before = rank;
  auto place = order_.begin();
  for (; before > blocks_[*place].tasks.size(); ++place) before -= blocks_[*place].tasks.size();
  const std::uint32_t block = *place;
  std::vector<TaskId>& tasks = blocks_[block].tasks;
  tasks.insert(tasks.begin() + static_cast<std::ptrdiff_t>(before), task);
  (*places_)[task] = block;
  ++size_;
  if (tasks.size() > kBlock) split(block);
}

void PendingQueue::erase(TaskId task) {
  const std::uint32_t id = std::exchange((*places_)[task], kNowhere);
  Block& block = blocks_[id];
  block.tasks.erase(block.tasks.begin() + place_in(block.tasks, task));
  --size_;
  if (!block.tasks.empty()) return;
  order_.erase(order_.begin() + static_cast<std::ptrdiff_t>(block.place));
  number_from(block.place);
  free_.push_back(id);
}

/// An empty one.
std::uint32_t PendingQueue::add_block(std::size_t place) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(blocks_.size()));
    blocks_.emplace_back();
  }
  const std::uint32_t block = free_.back();
  free_.pop_back();
  order_.insert(order_.begin() + static_cast<std::ptrdiff_t>(place), block);
  number_from(place);
  return block;
}

void PendingQueue::number_from(std::size_t place) {
  for (; place < order_.size(); ++place) blocks_[order_[place]].place = place;
}

void PendingQueue::split(std::uint32_t block) {
  const std::uint32_t upper = add_block(blocks_[block].place + 1);
  std::vector<TaskId>& from = blocks_[block].tasks;
  std::vector<TaskId>& to = blocks_[upper].tasks;
  const auto middle = from.begin() + static_cast<std::ptrdiff_t>(from.size() / 2);
  to.assign(middle, from.end());
  from.erase(middle, from.end());
  for (const TaskId task : to) (*places_)[task] = upper;
}

}  // namespace cleave
