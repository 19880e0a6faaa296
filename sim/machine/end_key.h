#pragma once

#include <cstdint>

#include "sim/base/indexed_heap.h"

namespace cleave {

/// When somebody in a batch comes to an end, and the order in which he joined.
struct EndKey {
  std::uint64_t step = 0;
  std::uint64_t order = 0;
  bool operator<(const EndKey& other) const {
    return less_or(step, other.step, order < other.order);
  }
};

}  // namespace cleave
