#pragma once

#include <string>
#include <vector>

#include "sim/base/json_reader.h"

namespace cleave {

/// Whole numbers, each once, at least one.
std::vector<std::int64_t> read_whole_numbers(JsonReader& reader, const std::string& key,
                                             Range range);

/// A plan's pool with each of the tensor_parallel and pipeline_parallel degrees that are to be
/// tried, largest tensor_parallel first. Either is a number, or a list of those to try. Without
/// tensor_parallel these are the powers of two that divide the attention heads and with which an
/// instance fits its machine and can be simulated; without pipeline_parallel it is 1, or the least
/// power of two with which anything fits. `place` is the pool's, `scenario` complete but for the
/// pools. Throws InputError where a degree that is asked for does not fit, or nothing does.
std::vector<Json> pool_cuts(const Json& pool, const std::string& place, const Json& scenario);

}  // namespace cleave
