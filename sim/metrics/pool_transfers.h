#pragma once

#include <map>
#include <utility>
#include <vector>

#include "sim/metrics/figure.h"

namespace cleave {

/// The KV caches that moved from one pool to another.
class PoolTransfers {
 public:
  struct Pair {
    std::size_t from_pool;
    std::size_t to_pool;
    std::uint64_t transfers = 0;
    double bytes = 0;
    double ideal_s = 0;
    Quantiles seconds{};
    double exposed_s = 0;  ///< of measured requests: from the first token to the transfer's end
    double e2e_s = 0;      ///< of the same

    static const FigureTable<Pair>& figures();
  };

  Pair& pair(std::size_t from_pool, std::size_t to_pool);
  /// By pools.
  Json json() const;

 private:
  std::map<std::pair<std::size_t, std::size_t>, Pair> pairs_;
};

}  // namespace cleave
