#pragma once

#include <cstdint>

namespace cleave {

/// When somebody in a batch comes to an end, and the order in which he joined.
struct EndKey {
  std::uint64_t step = 0;
  std::uint64_t order = 0;
  bool operator<(const EndKey& other) const {
    return step != other.step ? step < other.step : order < other.order;
  }
};

}  // namespace cleave
