#pragma once

#include <string>

#include "sim/base/json_reader.h"

namespace cleave {

/// The answer of a plan of a day (find_day_plan()) for a terminal.
std::string day_plan_text(const Json& plan);

}  // namespace cleave
