#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

namespace cleave {

/// How often each length occurs: exact quantiles in memory that does not grow with the trace.
class TokenCounts {
 public:
  void add(std::uint32_t tokens);
  std::uint64_t total() const { return total_; }
  double mean() const;
  double deviation() const;  ///< of the whole population
  /// The value at position round(p (total-1)) of all values in order; 0 for none.
  std::uint32_t quantile(double p) const;
  /// The values at `count` evenly spaced probabilities from 0 to 1, the least and largest included.
  std::vector<std::uint32_t> quantiles(std::size_t count) const;
  /// Calls for each length that occurs, in order.
  void for_each(const std::function<void(std::uint32_t tokens, std::uint64_t count)>& call) const;

 private:
  std::vector<std::uint64_t> counts_;            // of common lengths
  std::map<std::uint32_t, std::uint64_t> rest_;  // of very long ones
  std::uint64_t total_ = 0;
};

}  // namespace cleave
