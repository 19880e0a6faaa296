#pragma once

#include <cstdint>
#include <vector>

namespace cleave {

/// How much was counted in each of very many bins, of which those in use lie close together: only
/// the range that they span takes memory.
class BinCounts {
 public:
  void add(std::uint64_t bin, std::uint64_t weight) {
    // One below the range is far above it, as the difference has no sign.
    if (bin - first_ >= counts_.size()) span(bin);
    counts_[bin - first_] += weight;
  }
  /// Of a bin between two that were counted in.
  std::uint64_t of(std::uint64_t bin) const { return counts_[bin - first_]; }

 private:
  void span(std::uint64_t bin) {
    constexpr std::uint64_t kStep = 2048;
    const std::uint64_t begin = bin / kStep * kStep;
    if (counts_.empty()) first_ = begin;
    if (begin < first_) {
      counts_.insert(counts_.begin(), static_cast<std::size_t>(first_ - begin), 0);
      first_ = begin;
    }
    if (begin + kStep > first_ + counts_.size()) counts_.resize(begin + kStep - first_);
  }

  std::uint64_t first_ = 0;
  std::vector<std::uint64_t> counts_;
};

}  // namespace cleave
