#include "sim/scenario/scenario.h"

namespace cleave {

std::int64_t Scenario::kv_capacity_tokens(const PoolSpec& pool) const {
  const std::int64_t block = kv_cache.block_tokens;
  if (kv_cache.blocks) return static_cast<std::int64_t>(*kv_cache.blocks) * block;
  const double room_bytes = pool.memory_bytes() * kv_cache.memory_fraction - llm.weight_bytes;
  const double token_bytes = llm.kv_bytes_per_token * llm.kv_copies(pool.tensor_parallel);
  return static_cast<std::int64_t>(room_bytes / token_bytes) / block * block;
}

}  // namespace cleave
