#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cleave {

/// Numbers whose sums from the first on are known at any time: each call takes time by the
/// logarithm of their count (Fenwick, Software: Practice and Experience 24(3), 1994).
class FenwickTree {
 public:
  std::size_t size() const { return sums_.size(); }
  std::int64_t total() const { return total_; }

  void append(std::int64_t number) {
    total_ += number;
    const std::size_t place = sums_.size() + 1;
    for (std::size_t step = 1; step < lowest_bit(place); step *= 2) {
      number += sums_[place - step - 1];
    }
    sums_.push_back(number);
  }
  void add(std::size_t at, std::int64_t more) {
    total_ += more;
    for (std::size_t place = at + 1; place <= size(); place += lowest_bit(place)) {
      sums_[place - 1] += more;
    }
  }
  /// Of the first `count` numbers.
  std::int64_t sum(std::size_t count) const {
    std::int64_t result = 0;
    for (; count > 0; count -= lowest_bit(count)) result += sums_[count - 1];
    return result;
  }

 private:
  static std::size_t lowest_bit(std::size_t place) { return place & (~place + 1); }

  std::vector<std::int64_t> sums_;  ///< of the lowest_bit(i + 1) numbers up to number i
  std::int64_t total_ = 0;
};

}  // namespace cleave
