#pragma once

#include <vector>

#include "sim/scenario/scenario.h"

namespace cleave {

/// `kv_cache.tiers`.
std::vector<TierSpec> read_tiers(JsonReader& cache);

/// What the instances of a pool have of these. Throws InputError where neither the scenario nor the
/// machine's profile says how large or fast one is.
std::vector<TierRoom> tier_rooms(const std::vector<TierSpec>& specs, const PoolSpec& pool,
                                 const Llm& llm);

}  // namespace cleave
