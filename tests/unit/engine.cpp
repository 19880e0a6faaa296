#include "sim/engine/engine.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/base/child_process.h"
#include "sim/base/indexed_heap.h"
#include "sim/base/random.h"
#include "tests/catch.h"

using namespace cleave;

namespace {

/// Notes the arguments of the events that happen, in their order.
struct Diary {
  std::vector<std::uint64_t> seen;
  static void note(void* self, std::uint64_t argument) {
    static_cast<Diary*>(self)->seen.push_back(argument);
  }
};

std::vector<std::uint64_t> all_events(Calendar& calendar) {
  Diary diary;
  while (!calendar.empty()) {
    const Calendar::Event event = calendar.pop();
    event.function(&diary, event.argument);
  }
  return diary.seen;
}

EventId add(Calendar& calendar, double time_s, std::uint64_t argument, Rank rank = Rank::kNormal) {
  return calendar.add(time_s, rank, &Diary::note, nullptr, argument);
}

using Numbers = std::vector<std::uint64_t>;

/// Writes down what it is called with, and when; call 1 asks for more calls.
class Script {
 public:
  explicit Script(Engine& engine) : engine_(engine) {}
  void say(std::uint64_t number) {
    text_ += std::to_string(number) + "@" + std::to_string(engine_.now()) + " ";
    if (number != 1) return;
    engine_.at<&Script::say>(engine_.now(), this, 10);
    engine_.at<&Script::say>(engine_.now(), this, 11, Rank::kArrival);
    engine_.cancel(doomed_);
  }
  void doom(EventId event) { doomed_ = event; }
  bool doomed_is_forgotten() const { return doomed_ == kNoEvent; }
  const std::string& text() const { return text_; }

 private:
  Engine& engine_;
  EventId doomed_ = kNoEvent;
  std::string text_;
};

}  // namespace

TEST_CASE("events happen by time, then by rank, then in the order in which they were asked for") {
  Calendar calendar;
  add(calendar, 2, 5);
  add(calendar, 1, 2);
  add(calendar, 1, 3);
  add(calendar, 1, 1, Rank::kArrival);
  add(calendar, 1, 4);
  add(calendar, 0.5, 0);
  CHECK(calendar.next_s() == 0.5);
  CHECK(all_events(calendar) == Numbers{0, 1, 2, 3, 4, 5});
}

TEST_CASE("many events at one time stay in order") {
  Calendar calendar;
  Numbers expected;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    add(calendar, 7, i);
    expected.push_back(i);
  }
  CHECK(all_events(calendar) == expected);
}

TEST_CASE("a cancelled event does not happen and its name is used again") {
  Calendar calendar;
  add(calendar, 1, 1);
  const EventId second = add(calendar, 2, 2);
  add(calendar, 3, 3);
  calendar.cancel(second);
  CHECK(calendar.size() == 2);
  CHECK(add(calendar, 0, 4) == second);
  CHECK(all_events(calendar) == Numbers{4, 1, 3});
}

TEST_CASE("a calendar under random adding, cancelling and taking keeps the order of a sorted set") {
  Random random(1, 2);
  Calendar calendar;
  using Key = std::pair<std::pair<double, int>, std::uint64_t>;  // time, rank, order
  std::set<Key> expected;
  std::vector<std::pair<Key, EventId>> alive;
  std::uint64_t order = 0;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t dice = random.below(10);
    if (dice < 5) {
      const Rank rank = random.below(4) == 0 ? Rank::kArrival : Rank::kNormal;
      const Key key{{static_cast<double>(random.below(50)), static_cast<int>(rank)}, order};
      expected.insert(key);
      alive.emplace_back(key, add(calendar, key.first.first, order++, rank));
    } else if (dice < 7 && !alive.empty()) {
      const std::size_t at = random.below(alive.size());
      calendar.cancel(alive[at].second);
      expected.erase(alive[at].first);
      alive.erase(alive.begin() + static_cast<std::ptrdiff_t>(at));
    } else if (!expected.empty()) {
      const Key key = *expected.begin();
      expected.erase(expected.begin());
      std::erase_if(alive, [&](const auto& other) { return other.first == key; });
      const Calendar::Event event = calendar.pop();
      REQUIRE(event.argument == key.second);
      REQUIRE(event.time_s == key.first.first);
    }
    REQUIRE(calendar.size() == expected.size());
  }
}

TEST_CASE("an indexed heap under random operations has the least of a sorted set at its top") {
  constexpr std::uint32_t kIds = 300;
  Random random(3, 4);
  IndexedHeap<std::uint64_t>::Positions positions(kIds);
  IndexedHeap<std::uint64_t> heap(positions);
  std::set<std::pair<std::uint64_t, std::uint32_t>> expected;
  std::vector<std::uint64_t> key_of(kIds);
  std::vector<bool> inside(kIds);
  std::uint64_t unique = 0;  // keys differ, so that the top is one id
  for (int step = 0; step < 50'000; ++step) {
    const auto id = static_cast<std::uint32_t>(random.below(kIds));
    const std::uint64_t key = random.below(1000) * 100'000 + unique++;
    if (!inside[id]) {
      heap.push(key, id);
      inside[id] = true;
    } else if (random.below(2) == 0) {
      REQUIRE(heap.key_of(id) == key_of[id]);
      expected.erase({key_of[id], id});
      heap.update(key, id);
    } else {
      expected.erase({key_of[id], id});
      inside[id] = false;
      heap.erase(id);
    }
    if (inside[id]) {
      key_of[id] = key;
      expected.insert({key, id});
    }
    if (random.below(5) == 0 && !expected.empty()) {
      inside[heap.top().id] = false;
      expected.erase(expected.begin());
      heap.pop();
    }
    REQUIRE(heap.size() == expected.size());
    if (expected.empty()) continue;
    REQUIRE(heap.top().key == expected.begin()->first);
    REQUIRE(heap.top().id == expected.begin()->second);
  }
}

TEST_CASE("several heaps share one vector of positions") {
  IndexedHeap<int>::Positions positions(4);
  IndexedHeap<int> left(positions);
  IndexedHeap<int> right(positions);
  left.push(5, 0);
  right.push(4, 1);
  left.push(3, 2);
  right.push(6, 3);
  left.erase(0);
  right.push(1, 0);
  CHECK(left.top().id == 2);
  CHECK(right.top().id == 0);
  right.update(9, 0);
  CHECK(right.top().id == 1);
  CHECK(right.entries().size() == 3);
}

TEST_CASE("the engine runs what was asked for before and during the run, until nothing is left") {
  const std::string said = in_child([] {
    Engine engine;
    Script script(engine);
    engine.at<&Script::say>(2.0, &script, 2);
    engine.at<&Script::say>(1.0, &script, 1);
    engine.at<&Script::say>(1.0, &script, 3);
    script.doom(engine.at<&Script::say>(1.5, &script, 99));
    engine.run();
    const bool rest = engine.at_rest_but_for(0) && script.doomed_is_forgotten();
    return script.text() + (rest ? "rest" : "busy");
  });
  // 11 arrives within the same instant, so it goes before what waits there already.
  CHECK(said == "1@1.000000 11@1.000000 3@1.000000 10@1.000000 2@2.000000 rest");
}

TEST_CASE("the engine can be run again once more has been asked for") {
  const std::string said = in_child([] {
    Engine engine;
    Script script(engine);
    engine.at<&Script::say>(1.0, &script, 2);
    engine.run();
    engine.at<&Script::say>(1.0, &script, 3);
    engine.at<&Script::say>(4.0, &script, 4);
    engine.run();
    return script.text();
  });
  CHECK(said == "2@1.000000 3@1.000000 4@4.000000 ");
}
