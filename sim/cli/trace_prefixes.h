#pragma once

#include "sim/cli/command.h"

namespace cleave {

/// `cleave trace prefixes`.
void add_trace_prefixes(CLI::App& trace, Action& action);

}  // namespace cleave
