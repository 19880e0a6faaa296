#pragma once

#include <string>
#include <vector>

#include "sim/core/observer.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// Runs a scenario and gives its summary (fields: docs/output.md). Once per process: see
/// run_cluster(). `out` is a folder for all result files, "" for none; `watchers` see the run too.
Json simulate(const Scenario& scenario, const std::string& out = "",
              std::vector<Observer*> watchers = {});

}  // namespace cleave
