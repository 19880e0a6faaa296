#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace cleave {

/// The longest iteration since any past segment of an instance, without a look at the segments in
/// between: a stack of (segment, longest iteration) whose lengths decrease from bottom to top.
class GapRecord {
 public:
  /// Number of segments so far: what a sequence that joins now remembers.
  std::uint32_t segments() const { return segments_; }

  void add(double longest_iteration_s) {
    while (!stack_.empty() && stack_.back().longest_s <= longest_iteration_s) stack_.pop_back();
    stack_.push_back({segments_++, longest_iteration_s});
  }

  /// The longest iteration of all segments from `segment` on; 0 if there are none.
  double longest_since(std::uint32_t segment) const {
    const auto found = std::lower_bound(
        stack_.begin(), stack_.end(), segment,
        [](const Entry& entry, std::uint32_t wanted) { return entry.segment < wanted; });
    return found == stack_.end() ? 0 : found->longest_s;
  }

 private:
  struct Entry {
    std::uint32_t segment;
    double longest_s;
  };
  std::vector<Entry> stack_;
  std::uint32_t segments_ = 0;
};

}  // namespace cleave
