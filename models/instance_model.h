#pragma once

#include <memory>
#include <string>

#include "models/hardware.h"
#include "models/latency.h"

namespace cleave {

/// How the latency of an instance is looked up; scenario field `latency.policy`:
///   "fitted"     the tables fitted from the measurements (prefill by tokens and their squares,
///                decode by sequences and KV tokens); the default;
///   "published"  the published simulator's: medians by prompt tokens for both phases, joined by
///                straight lines, decode looked up by the number of sequences.
/// Throws InputError naming `place` for an unknown policy, or where nothing is known about this
/// combination.
std::unique_ptr<LatencyModel> make_latency_model(const std::string& policy, const Llm& llm,
                                                 const Machine& machine,
                                                 std::uint32_t tensor_parallel,
                                                 const std::string& place);

}  // namespace cleave
