#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/indexed_heap.h"
#include "sim/metrics/observer.h"

namespace cleave {

/// Pools of instances, each ranked by one figure of load; among equals the one that entered first
/// is least. An instance is in one pool at a time or in none. O(log n) for everything but least().
class RankedPools {
 public:
  RankedPools(std::size_t pools, std::size_t instances)
      : positions_(instances), pool_of_(instances, kNone) {
    for (std::size_t i = 0; i < pools; ++i) pools_.emplace_back(positions_);
  }
  RankedPools(const RankedPools&) = delete;
  RankedPools& operator=(const RankedPools&) = delete;

  bool empty(std::size_t pool) const { return pools_[pool].empty(); }
  /// The instance of least load, or kNoInstance.
  InstanceId least(std::size_t pool) const {
    return empty(pool) ? kNoInstance : pools_[pool].top().id;
  }
  bool contains(InstanceId instance) const { return pool_of_[instance] != kNone; }
  std::size_t pool_of(InstanceId instance) const { return pool_of_[instance]; }

  void enter(std::size_t pool, InstanceId instance, std::int64_t load) {
    pools_[pool].push({load, entered_++}, instance);
    pool_of_[instance] = pool;
  }
  void leave(InstanceId instance) {
    pools_[pool_of_[instance]].erase(instance);
    pool_of_[instance] = kNone;
  }
  void update(InstanceId instance, std::int64_t load) {
    if (!contains(instance)) return;
    auto& pool = pools_[pool_of_[instance]];
    const Key& key = pool.key_of(instance);
    if (key.load != load) pool.update({load, key.entered}, instance);
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  struct Key {
    std::int64_t load;
    std::uint64_t entered;
    bool operator<(const Key& other) const {
      return load != other.load ? load < other.load : entered < other.entered;
    }
  };

  IndexedHeap<Key>::Positions positions_;
  std::vector<std::size_t> pool_of_;
  std::vector<IndexedHeap<Key>> pools_;
  std::uint64_t entered_ = 0;
};

}  // namespace cleave
