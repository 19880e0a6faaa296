#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/catalogue/hardware.h"
#include "models/catalogue/llm.h"
#include "models/catalogue/parallelism.h"
#include "models/latency/engine_profile.h"
#include "models/latency/expert_load.h"
#include "models/latency/latency.h"
#include "models/latency/latency_profile.h"
#include "sim/base/registry.h"

namespace cleave {

/// What an instance is: an LLM on tensor_parallel x pipeline_parallel x data_parallel GPUs of a
/// machine.
struct InstanceDescription {
  const Llm& llm;
  const Machine& machine;
  std::uint32_t tensor_parallel;
  std::uint32_t pipeline_parallel;
  const std::vector<LatencyProfile>& own_profiles;  ///< the scenario's, before the built-in ones
  std::string place;                                ///< of the setting that asks for it, for errors
  std::uint32_t data_parallel = 1;
  std::uint32_t expert_parallel = 1;
  const EngineProfile* engine = nullptr;  ///< none: what the roofline was fitted to
  bool engine_named = false;              ///< asked for, even where the instance was measured
  ExpertSkew skew = {};                   ///< of the step model

  Parallelism parallelism() const {
    return {tensor_parallel, pipeline_parallel, data_parallel, expert_parallel};
  }
};

/// The ways to look up an instance's latency; scenario field `latency.policy`. Making one throws
/// InputError where it knows nothing of this LLM and these GPUs.
using LatencyPolicies = Registry<LatencyModel, const InstanceDescription&>;

/// What must have been measured for it, as profiles are named, and its pipeline stages, with which
/// nothing was.
std::string instance_name(const InstanceDescription& instance);

/// The measured profile of this LLM in its formats, GPU, power cap and tensor-parallel degree,
/// without pipeline stages; none where it was not measured.
std::optional<LatencyProfile> find_measured_profile(const InstanceDescription& instance);
/// The same; throws InputError where there is none.
LatencyProfile measured_profile(const InstanceDescription& instance);

}  // namespace cleave
