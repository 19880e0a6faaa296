#include "models/latency/instance_model.h"

#include "sim/base/builtin.h"
#include "sim/base/error.h"

namespace cleave {

namespace {

std::string profile_name(const InstanceDescription& instance) {
  return latency_profile_name(instance.llm.name, instance.machine.gpu.name,
                              instance.machine.power_cap, instance.tensor_parallel,
                              instance.llm.formats);
}

}  // namespace

std::string instance_name(const InstanceDescription& instance) {
  std::string name = profile_name(instance);
  if (instance.pipeline_parallel > 1) {
    name += " in " + std::to_string(instance.pipeline_parallel) + " pipeline stages";
  }
  if (instance.data_parallel > 1) {
    name += " in " + std::to_string(instance.data_parallel) + " data-parallel groups";
  }
  return name;
}

std::optional<LatencyProfile> find_measured_profile(const InstanceDescription& instance) {
  if (instance.pipeline_parallel > 1 || instance.data_parallel > 1) return {};
  return find_latency_profile(profile_name(instance), instance.own_profiles);
}

LatencyProfile measured_profile(const InstanceDescription& instance) {
  auto profile = find_measured_profile(instance);
  if (profile) return *std::move(profile);
  std::string known;
  for (const LatencyProfile& own : instance.own_profiles) known += " " + own.name();
  for (const std::string& other : builtin_names("profiles/latency")) known += " " + other;
  throw InputError(instance.place + ": nothing was measured for " + instance_name(instance) +
                   "; latency.policy \"auto\" estimates it; measured are" + known);
}

}  // namespace cleave
