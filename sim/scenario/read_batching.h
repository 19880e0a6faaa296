#pragma once

#include "sim/base/json_reader.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// Reads the section "batching". Throws InputError.
BatchingSpec read_batching(JsonReader reader);

}  // namespace cleave
