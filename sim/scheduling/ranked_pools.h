#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/base/indexed_heap.h"
#include "sim/core/ids.h"
#include "sim/scheduling/scheduler.h"

namespace cleave {

/// Pools of instances, each ranked by one figure of load; among equals the one that entered first
/// is least. An instance is in one pool at a time or in none. Loads change several times between
/// two questions, and of some pools nobody asks: changes are noted, and ranked when their pool is
/// asked for its least(), each in O(log n).
class RankedPools {
 public:
  RankedPools(std::size_t pools, std::span<const InstanceLoad> instances)
      : positions_(instances.size()),
        pool_of_(instances.size(), kNone),
        loads_(instances.size()),
        noted_(instances.size()),
        changed_(pools) {
    for (const InstanceLoad& load : instances) sizes_.push_back(load.capacity_tokens);
    std::sort(sizes_.begin(), sizes_.end());
    sizes_.erase(std::unique(sizes_.begin(), sizes_.end()), sizes_.end());
    for (const InstanceLoad& load : instances) {
      const auto found = std::lower_bound(sizes_.begin(), sizes_.end(), load.capacity_tokens);
      size_of_.push_back(static_cast<std::size_t>(found - sizes_.begin()));
    }
    for (std::size_t i = 0; i < pools * sizes_.size(); ++i) heaps_.emplace_back(positions_);
  }
  RankedPools(const RankedPools&) = delete;
  RankedPools& operator=(const RankedPools&) = delete;

  /// The instance of least load among those that can hold `kv_tokens`, or kNoInstance.
  InstanceId least(std::size_t pool, std::int64_t kv_tokens) {
    rank(pool);
    const Heap* best = nullptr;
    for (std::size_t size = sizes_.size(); size-- > 0 && sizes_[size] >= kv_tokens;) {
      const Heap& heap = heaps_[pool * sizes_.size() + size];
      if (!heap.empty() && (best == nullptr || heap.top().key < best->top().key)) best = &heap;
    }
    return best == nullptr ? kNoInstance : best->top().id;
  }
  bool contains(InstanceId instance) const { return pool_of_[instance] != kNone; }
  std::size_t pool_of(InstanceId instance) const { return pool_of_[instance]; }

  void enter(std::size_t pool, InstanceId instance, double load) {
    pool_of_[instance] = pool;
    loads_[instance] = load;
    heap_of(instance).push({load, entered_++}, instance);
  }
  void leave(InstanceId instance) {
    heap_of(instance).erase(instance);
    if (noted_[instance] != 0) std::erase(changed_[pool_of_[instance]], instance);
    noted_[instance] = 0;
    pool_of_[instance] = kNone;
  }
  void update(InstanceId instance, double load) {
    if (!contains(instance)) return;
    loads_[instance] = load;
    if (noted_[instance] != 0) return;
    noted_[instance] = 1;
    changed_[pool_of_[instance]].push_back(instance);
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  struct Key {
    double load;
    std::uint64_t entered;
    bool operator<(const Key& other) const {
      return less_or(load, other.load, entered < other.entered);
    }
  };
  using Heap = IndexedHeap<Key>;

  void rank(std::size_t pool) {
    for (const InstanceId instance : changed_[pool]) {
      noted_[instance] = 0;
      Heap& heap = heap_of(instance);
      const Key& key = heap.key_of(instance);
      if (key.load != loads_[instance]) heap.update({loads_[instance], key.entered}, instance);
    }
    changed_[pool].clear();
  }

  Heap& heap_of(InstanceId instance) {
    return heaps_[pool_of_[instance] * sizes_.size() + size_of_[instance]];
  }

  Heap::Positions positions_;
  std::vector<std::size_t> pool_of_;
  std::vector<std::int64_t> sizes_;               ///< KV memories in the cluster, ascending
  std::vector<std::size_t> size_of_;              ///< by instance
  std::vector<Heap> heaps_;                       ///< by pool, then by size
  std::vector<double> loads_;                     ///< by instance: of today
  std::vector<std::uint8_t> noted_;               ///< by instance: it is in changed_
  std::vector<std::vector<InstanceId>> changed_;  ///< by pool
  std::uint64_t entered_ = 0;
};

}  // namespace cleave
