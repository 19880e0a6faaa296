#pragma once

#include "sim/scenario/scenario.h"

namespace cleave {

/// The part "pools" of a scenario whose LLM, KV cache and batching are read; for read_scenario().
void read_pools(JsonReader& reader, Scenario& scenario);

}  // namespace cleave
