#include "sim/machine/pending_queue.h"

#include <algorithm>

#include "sim/base/random.h"
#include "tests/catch.h"

namespace cleave {

namespace {

/// The tasks of a queue from its front on, by after().
std::vector<TaskId> walk(const PendingQueue& queue) {
  std::vector<TaskId> tasks;
  for (TaskId task = queue.front(); task != kNoTask; task = queue.after(task)) {
    tasks.push_back(task);
  }
  return tasks;
}

}  // namespace

TEST_CASE("pending queue: a search probes the ranks of a binary search, in order or not") {
  PendingQueue::Places places(10, PendingQueue::kNowhere);
  PendingQueue queue(places);
  for (TaskId task = 0; task < 7; ++task) queue.insert_at(task, task);
  std::vector<TaskId> probed;
  queue.insert(7, [&](TaskId other) {
    probed.push_back(other);
    return other == 3;  // of 3 that it goes before, of 1 and 2 that it does not
  });
  CHECK(probed == std::vector<TaskId>{3, 1, 2});
  CHECK(walk(queue) == std::vector<TaskId>{0, 1, 2, 7, 3, 4, 5, 6});
}

TEST_CASE("pending queue: is a sequence like an array, however many wait") {
  const auto most = GENERATE(std::size_t{20}, 4 * PendingQueue::kBlock + 3);
  constexpr std::uint32_t kSteps = 20000;
  PendingQueue::Places places(kSteps, PendingQueue::kNowhere);
  PendingQueue queue(places);
  std::vector<TaskId> array;
  Random random(1, most);
  for (TaskId task = 0; task < kSteps; ++task) {
    const std::size_t rank = random.below(array.size() + 1);
    queue.insert_at(task, static_cast<std::uint32_t>(rank));
    array.insert(array.begin() + static_cast<std::ptrdiff_t>(rank), task);
    while (array.size() > most) {
      // From the front as a rule, as those leave who were chosen.
      const std::size_t leaves = random.below(4) > 0 ? 0 : random.below(array.size());
      queue.erase(array[leaves]);
      CHECK(places[array[leaves]] == PendingQueue::kNowhere);
      array.erase(array.begin() + static_cast<std::ptrdiff_t>(leaves));
    }
    REQUIRE(queue.size() == array.size());
    REQUIRE(queue.front() == array.front());
    const std::size_t any = random.below(array.size());
    REQUIRE(queue.at_rank(static_cast<std::uint32_t>(any)) == array[any]);
    if (task % 1000 == 0) REQUIRE(walk(queue) == array);
  }
  while (!array.empty()) {
    queue.erase(array.back());
    array.pop_back();
  }
  CHECK(queue.empty());
  CHECK(queue.front() == kNoTask);
}

}  // namespace cleave
