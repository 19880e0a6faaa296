#pragma once

#include "sim/scenario/scenario.h"

namespace cleave {

/// The part "pools" of a scenario whose LLM, KV cache and batching are read; for read_scenario().
void read_pools(JsonReader& reader, Scenario& scenario);

/// Blocks of an instance, as its engine says.
std::uint64_t read_kv_blocks(JsonReader& reader, std::string_view key);

}  // namespace cleave
