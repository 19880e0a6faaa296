#pragma once

#include "sim/base/json_reader.h"
#include "traces/trace_reader.h"

namespace cleave {

/// The section "columns" of a workload. Throws InputError.
CsvColumns read_columns(JsonReader columns);

}  // namespace cleave
