#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace cleave {

/// How much each length weighs.
class WeightedLengths {
 public:
  /// `weight` is above 0.
  void add(std::uint32_t tokens, double weight) { weights_[tokens] += weight; }
  void add(const WeightedLengths& others, double factor);

  bool empty() const { return weights_.empty(); }
  double total() const;
  /// The least lengths that, with all below, weigh `count` evenly spaced shares of the total from 0
  /// to 1; so the least and the largest are among them.
  std::vector<std::uint32_t> quantiles(std::size_t count) const;

 private:
  std::map<std::uint32_t, double> weights_;
};

}  // namespace cleave
