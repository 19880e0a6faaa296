#pragma once

#include <string>

#include "sim/base/json_reader.h"

namespace cleave {

/// A run's summary as a planner reads it on a terminal. `colours`: with ANSI colours.
std::string run_text(const Json& summary, bool colours);

}  // namespace cleave
