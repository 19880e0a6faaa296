#pragma once

#include "sim/scenario/scenario.h"

namespace cleave {

/// The part "power" of a scenario.
PowerSpec read_power(JsonReader& scenario);

}  // namespace cleave
