#pragma once

#include "sim/scenario/scenario.h"

namespace cleave {

/// Whether a document has classes, all of them with requests of their own, so that its workload
/// only says for how long.
bool classes_bring_all(const Json& document);

/// The part "classes" of a scenario whose workload and SLO are read.
void read_classes(JsonReader& reader, Scenario& scenario);

}  // namespace cleave
