#include "models/instance_model.h"

#include "sim/base/builtin.h"
#include "sim/base/error.h"

namespace cleave {

LatencyProfile measured_profile(const InstanceDescription& instance) {
  const std::string name =
      latency_profile_name(instance.llm.name, instance.machine.gpu.name, instance.machine.power_cap,
                           instance.tensor_parallel);
  auto profile = find_latency_profile(name, instance.own_profiles);
  if (profile) return *std::move(profile);
  std::string known;
  for (const LatencyProfile& own : instance.own_profiles) known += " " + own.name();
  for (const std::string& other : builtin_names("profiles/latency")) known += " " + other;
  throw InputError(instance.place + ": nothing was measured for " + name + "; measured are" +
                   known);
}

}  // namespace cleave
