#include "models/instance_model.h"

#include "sim/base/builtin.h"
#include "sim/base/error.h"

namespace cleave {

namespace {

std::string profile_name(const InstanceDescription& instance) {
  return latency_profile_name(instance.llm.name, instance.machine.gpu.name,
                              instance.machine.power_cap, instance.tensor_parallel);
}

/// What its name does not say.
std::string in_words(const InstanceDescription& instance) {
  std::string text;
  if (instance.llm.weight_format != Format::kFp16) {
    text += " with weights in " + format_name(instance.llm.weight_format);
  }
  if (instance.pipeline_parallel > 1) {
    text += " in " + std::to_string(instance.pipeline_parallel) + " pipeline stages";
  }
  return text;
}

}  // namespace

std::optional<LatencyProfile> find_measured_profile(const InstanceDescription& instance) {
  const bool as_measured =
      instance.llm.weight_format == Format::kFp16 && instance.pipeline_parallel == 1;
  if (!as_measured) return {};
  return find_latency_profile(profile_name(instance), instance.own_profiles);
}

LatencyProfile measured_profile(const InstanceDescription& instance) {
  auto profile = find_measured_profile(instance);
  if (profile) return *std::move(profile);
  std::string known;
  for (const LatencyProfile& own : instance.own_profiles) known += " " + own.name();
  for (const std::string& other : builtin_names("profiles/latency")) known += " " + other;
  throw InputError(instance.place + ": nothing was measured for " + profile_name(instance) +
                   in_words(instance) + "; latency.policy \"auto\" estimates it; measured are" +
                   known);
}

}  // namespace cleave
