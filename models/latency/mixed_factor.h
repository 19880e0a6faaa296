#pragma once

#include <memory>

#include "models/latency/latency.h"

namespace cleave {

/// `latency`, but an iteration of prompts and decodes takes `factor` times a prefill in which every
/// sequence counts as a prompt of one token, as in the published simulator; where `at_least_decode`
/// is set, never less than its decodes alone.
std::unique_ptr<LatencyModel> with_mixed_factor(std::unique_ptr<LatencyModel> latency,
                                                double factor, bool at_least_decode);

}  // namespace cleave
