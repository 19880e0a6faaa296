// Pools of instances ranked by load, against instances looked through one by one.

#include "sim/scheduling/ranked_pools.h"

#include <list>
#include <random>

#include "tests/catch.h"

namespace cleave {

namespace {

/// The same by the book: in each pool the instances in the order in which they came.
struct Book {
  struct Entry {
    InstanceId id;
    double load;
  };
  std::vector<std::list<Entry>> pools;

  InstanceId least(std::size_t pool, std::int64_t kv_tokens,
                   const std::vector<InstanceLoad>& instances) const {
    const Entry* best = nullptr;
    for (const Entry& each : pools[pool]) {
      if (instances[each.id].capacity_tokens < kv_tokens) continue;
      if (best == nullptr || each.load < best->load) best = &each;
    }
    return best == nullptr ? kNoInstance : best->id;
  }
  void leave(InstanceId id) {
    for (auto& pool : pools) pool.remove_if([&](const Entry& each) { return each.id == id; });
  }
  void update(InstanceId id, double load) {
    for (auto& pool : pools) {
      for (Entry& each : pool) each.load = each.id == id ? load : each.load;
    }
  }
};

}  // namespace

TEST_CASE("ranked pools: the first of least load that has the memory, of few and of many") {
  for (const std::size_t count : {1, 5, 128, 129, 400}) {
    for (const std::int64_t sizes : {1, 3}) {
      std::mt19937 random(static_cast<std::uint32_t>(count));
      const auto below = [&](std::size_t end) { return random() % end; };
      std::vector<InstanceLoad> instances(count);
      for (InstanceLoad& each : instances) {
        each.capacity_tokens = 100 * (1 + static_cast<std::int64_t>(below(sizes)));
      }
      RankedPools ranked(2, instances);
      Book book{std::vector<std::list<Book::Entry>>(2)};
      for (int i = 0; i < 20'000; ++i) {
        const auto id = static_cast<InstanceId>(below(count));
        const auto load = static_cast<double>(below(20));  // many are equal
        if (!ranked.contains(id)) {
          const std::size_t pool = below(2);
          ranked.enter(pool, id, load);
          book.pools[pool].push_back({id, load});
        } else if (below(5) == 0) {
          ranked.leave(id);
          book.leave(id);
        } else {
          ranked.update(id, load);
          book.update(id, load);
        }
        const std::size_t pool = below(2);
        const auto kv_tokens = static_cast<std::int64_t>(below(350));
        REQUIRE(ranked.least(pool, kv_tokens) == book.least(pool, kv_tokens, instances));
      }
    }
  }
}

}  // namespace cleave
