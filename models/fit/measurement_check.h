#pragma once

#include <vector>

#include "models/fit/defects.h"
#include "models/fit/measurements.h"

namespace cleave {

/// Adds to `defects` what keeps `rows` from being fitted: unknown names, mixed or wrong units, too
/// few points. Says in `left_out` of a row why it does not count: it is far from the others of its
/// batch, or its batch cannot have been one. Numbers that could not be read are 0 in a row.
void check_measurements(std::vector<Measurement>& rows, const OwnProfiles& own, Defects& defects);

}  // namespace cleave
