#pragma once

#include <rapidcheck.h>

#include "sim/base/json_reader.h"

namespace cleave {

/// Anything of the range from the first run on: RapidCheck's own begins small, and with it all that
/// happens by chance.
rc::Gen<int> inRange(int least, int end);

/// Any cluster, workload, policies and faults, small enough to run in milliseconds; drawn within
/// rc::check(). It may ask for what cannot be: an LLM that does not fit, a link that is not there.
Json random_scenario();

}  // namespace cleave
