#pragma once

#include "sim/cli/command.h"

namespace cleave {

/// `cleave trace fit`.
void add_trace_fit(CLI::App& trace, Action& action);

}  // namespace cleave
