#pragma once

#include <cstdint>

#include "sim/core/content.h"
#include "sim/core/tier.h"
#include "sim/machine/prefix_cache.h"

namespace cleave {

/// KV caches behind the memory of the GPUs, for all instances: in host memory, on disks, in a
/// store. Counts in blocks, those of the instances. An implementation must load what find() found
/// or say how much of it, must tell the instance of the end of a load from an event, never from
/// load() or drop(), and takes as long as its links do.
class LowerTiers {
 public:
  virtual ~LowerTiers() = default;
  /// Of the blocks [from, to) of a content, how many the tiers have for the instance, from the
  /// first on without a gap.
  virtual std::uint32_t find(InstanceId instance, const Content& content, std::uint32_t from,
                             std::uint32_t to) const = 0;
  /// The same in tokens, by tier.
  virtual TierTokens found(InstanceId instance, const Content& content, std::uint32_t from,
                           std::uint32_t to) const = 0;
  /// Starts to load blocks that were found; Instance::loaded() follows.
  virtual void load(InstanceId instance, RequestId request, const Content& content,
                    std::uint32_t from, std::uint32_t to) = 0;
  /// Nobody waits for the load of this request any more.
  virtual void drop(RequestId request) = 0;
  /// The first blocks of a content are used in the instance's own memory.
  virtual void used(InstanceId instance, const Content& content, std::uint32_t blocks) = 0;
  /// The first blocks of a content are in the instance's own memory, some of them new there.
  virtual void came(InstanceId instance, const Content& content, std::uint32_t blocks) = 0;
  /// The instance threw blocks out of its own memory.
  virtual void went(InstanceId instance, const BlockRun& run) = 0;
};

}  // namespace cleave
