#pragma once

#include "sim/cli/command.h"

namespace cleave {

/// `cleave profile calibrate`, one of the subcommands of `profile`.
void add_calibrate(CLI::App& profile, Action& action);

}  // namespace cleave
