#pragma once

#include <vector>

#include "models/fit/measurements.h"
#include "models/latency/roofline.h"

namespace cleave {

/// Fits the factors of the roofline to all rows at once, so that the sum of the absolute relative
/// errors is least, by least squares with bounds: no factor may promise more than a data sheet
/// does. Rows under a power cap give the exponent of caps only. The errors are those on all rows
/// and, for each GPU, LLM and tensor-parallel degree, those of a fit that has not seen it.
/// `measured` is as read_measurements() gives them, with `own` as it was given there. Throws
/// InputError where no row counts.
Roofline fit_roofline(const std::vector<Measurement>& measured, const OwnProfiles& own = {});

}  // namespace cleave
