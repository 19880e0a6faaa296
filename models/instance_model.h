#pragma once

#include <string>
#include <vector>

#include "models/hardware.h"
#include "models/latency.h"
#include "models/latency_profile.h"
#include "sim/base/registry.h"

namespace cleave {

/// What an instance is: an LLM on `tensor_parallel` GPUs of a machine.
struct InstanceDescription {
  const Llm& llm;
  const Machine& machine;
  std::uint32_t tensor_parallel;
  const std::vector<LatencyProfile>& own_profiles;  ///< the scenario's, before the built-in ones
  std::string place;                                ///< of the setting that asks for it, for errors
};

/// The ways to look up an instance's latency; scenario field `latency.policy`. Making one throws
/// InputError where it knows nothing of this LLM and these GPUs.
using LatencyPolicies = Registry<LatencyModel, const InstanceDescription&>;

/// The measured profile of this LLM, GPU, power cap and tensor-parallel degree. Throws InputError
/// where there is none.
LatencyProfile measured_profile(const InstanceDescription& instance);

}  // namespace cleave
