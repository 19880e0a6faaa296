#include "sim/metrics/pool_transfers.h"

#include "sim/metrics/ratio.h"

namespace cleave {

PoolTransfers::Pair& PoolTransfers::pair(std::size_t from_pool, std::size_t to_pool) {
  return pairs_.try_emplace({from_pool, to_pool}, Pair{from_pool, to_pool}).first->second;
}

Json PoolTransfers::json() const {
  Json list = Json::array();
  for (const auto& [pools, pair] : pairs_) list.push_back(Pair::figures().json(pair));
  return list;
}

const FigureTable<PoolTransfers::Pair>& PoolTransfers::Pair::figures() {
  static const FigureTable<Pair> table{
      {"from_pool", "", "number of the pool that KV caches left",
       [](const Pair& pair) { return pair.from_pool; }},
      {"to_pool", "", "number of the pool that they moved to",
       [](const Pair& pair) { return pair.to_pool; }},
      {"transfers", "", "how many", [](const Pair& pair) { return pair.transfers; }},
      {"bytes", "bytes", "what they carried", [](const Pair& pair) { return pair.bytes; }},
      {"seconds", "s", "distribution of the time from `transfer_start_s` to `transfer_end_s`",
       [](const Pair& pair) { return &pair.seconds; }},
      {"ideal_mean_s", "s", "mean of what each would have taken alone on the network",
       [](const Pair& pair) { return per(pair.ideal_s, static_cast<double>(pair.transfers)); }},
      {"times_ideal", "times", "sum of their times / sum of the ideal ones",
       [](const Pair& pair) { return per(pair.seconds.sum(), pair.ideal_s); }},
      {"exposed_share_of_e2e", "fraction",
       "time from first token to the transfer's end / E2E, summed over measured requests",
       [](const Pair& pair) { return per(pair.exposed_s, pair.e2e_s); }}};
  return table;
}

}  // namespace cleave
