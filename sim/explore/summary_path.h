#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/base/json_reader.h"

namespace cleave {

/// The value at `path` of a summary ("ttft.p99", "pools[0].utilization"), null where a part of the
/// path is null, nothing where there is none. Keys may hold dots themselves ("p99.9"), so the
/// longest that fits is taken.
const Json* find_in_summary(const Json& summary, std::string_view path);

/// The paths of all numbers of a summary but those of distributions and series over time.
std::vector<std::string> numbers_of_summary(const Json& summary);

}  // namespace cleave
