#pragma once

#include "sim/base/json_reader.h"

namespace cleave {

/// Where the built-in profiles that `scenarios` name are from, for a page:
///     [{"what": "machine", "name": "dgx-h100", "date": "2026-11", "source": "..."}]
/// of LLMs, machines, GPUs, prices, engines, operator tables and fitted latencies, each once. Files
/// of one's own are named without a source.
Json sources_of(const std::vector<const Json*>& scenarios);

}  // namespace cleave
