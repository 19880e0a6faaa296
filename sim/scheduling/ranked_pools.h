#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "sim/base/indexed_heap.h"
#include "sim/core/ids.h"
#include "sim/scheduling/scheduler.h"

namespace cleave {

/// Few instances in the order in which they came, each with its load.
class LoadList {
 public:
  void push_back(InstanceId id, double load) {
    ids_.push_back(id);
    loads_.push_back(load);
  }
  void erase(std::size_t at) {
    ids_.erase(ids_.begin() + static_cast<std::ptrdiff_t>(at));
    loads_.erase(loads_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  void set(std::size_t at, double load) { loads_[at] = load; }

  bool empty() const { return ids_.empty(); }
  const std::vector<InstanceId>& ids() const { return ids_; }

  /// The first of least load; not of an empty list.
  InstanceId least() const {
    // Four side by side, as each comparison waits for the one before it.
    constexpr std::size_t kLanes = 4;
    std::array<double, kLanes> least;
    least.fill(loads_.front());
    std::size_t at = 0;
    for (; at + kLanes <= loads_.size(); at += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        least[lane] = std::min(least[lane], loads_[at + lane]);
      }
    }
    for (; at < loads_.size(); ++at) least[0] = std::min(least[0], loads_[at]);
    const double of_all = *std::min_element(least.begin(), least.end());
    return ids_[static_cast<std::size_t>(std::find(loads_.begin(), loads_.end(), of_all) -
                                         loads_.begin())];
  }
  /// Of those that are `allowed`, or kNoInstance.
  template <class Allowed>
  InstanceId least(Allowed allowed) const {
    InstanceId best = kNoInstance;
    double least = 0;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      if (!allowed(ids_[i]) || (best != kNoInstance && loads_[i] >= least)) continue;
      best = ids_[i];
      least = loads_[i];
    }
    return best;
  }

 private:
  std::vector<InstanceId> ids_;
  std::vector<double> loads_;
};

/// Pools of instances, each ranked by one figure of load; among equals the one that entered first
/// is least. An instance is in one pool at a time or in none.
///
/// Loads change several times between two questions, and of some pools nobody asks. Few instances
/// are looked through when their pool is asked for its least(); of more, changes are noted and then
/// ranked, each in O(log n).
class RankedPools {
 public:
  RankedPools(std::size_t pools, std::span<const InstanceLoad> instances)
      : few_(instances.size() <= kFew),
        lists_(pools),
        positions_(instances.size()),
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
    if (few_) return least_of_few(pool, kv_tokens);
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
    if (few_) {
      positions_[instance] = static_cast<std::uint32_t>(lists_[pool].ids().size());
      lists_[pool].push_back(instance, load);
      return;
    }
    loads_[instance] = load;
    heap_of(pool, instance).push({load, entered_++}, instance);
  }
  void leave(InstanceId instance) {
    const std::size_t pool = std::exchange(pool_of_[instance], kNone);
    if (few_) {
      lists_[pool].erase(positions_[instance]);
      const std::vector<InstanceId>& ids = lists_[pool].ids();
      for (std::uint32_t at = positions_[instance]; at < ids.size(); ++at) positions_[ids[at]] = at;
      return;
    }
    heap_of(pool, instance).erase(instance);
    if (noted_[instance] != 0) std::erase(changed_[pool], instance);
    noted_[instance] = 0;
  }
  void update(InstanceId instance, double load) {
    if (!contains(instance)) return;
    if (few_) {
      lists_[pool_of_[instance]].set(positions_[instance], load);
      return;
    }
    loads_[instance] = load;
    if (noted_[instance] != 0) return;
    noted_[instance] = 1;
    changed_[pool_of_[instance]].push_back(instance);
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  static constexpr std::size_t kFew = 128;
  struct Key {
    double load;
    std::uint64_t entered;
    bool operator<(const Key& other) const {
      return less_or(load, other.load, entered < other.entered);
    }
  };
  using Heap = IndexedHeap<Key>;

  InstanceId least_of_few(std::size_t pool, std::int64_t kv_tokens) const {
    const LoadList& list = lists_[pool];
    if (list.empty() || sizes_.back() < kv_tokens) return kNoInstance;
    if (sizes_.front() >= kv_tokens) return list.least();
    return list.least([&](InstanceId id) { return sizes_[size_of_[id]] >= kv_tokens; });
  }

  void rank(std::size_t pool) {
    for (const InstanceId instance : changed_[pool]) {
      noted_[instance] = 0;
      Heap& heap = heap_of(pool, instance);
      const Key& key = heap.key_of(instance);
      if (key.load != loads_[instance]) heap.update({loads_[instance], key.entered}, instance);
    }
    changed_[pool].clear();
  }

  Heap& heap_of(std::size_t pool, InstanceId instance) {
    return heaps_[pool * sizes_.size() + size_of_[instance]];
  }

  bool few_;
  std::vector<LoadList> lists_;  ///< by pool, of few
  Heap::Positions positions_;    ///< by instance, in its list or heap
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
