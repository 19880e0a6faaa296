#pragma once

#include <string>

#include "sim/base/json_reader.h"

namespace cleave {

/// What a summary says of machines that were turned on and off; "" where nothing was scaled.
std::string scaling_text(const Json& summary);
/// A table of the classes of requests; "" where there are none.
std::string classes_text(const Json& summary);
/// What the energy costs; "" where the scenario does not say.
std::string energy_text(const Json& summary);
/// Whether a policy turns machines on and off all the time.
bool oscillates(const Json& summary);

}  // namespace cleave
