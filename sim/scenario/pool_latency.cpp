#include "sim/scenario/pool_latency.h"

#include "models/instance_model.h"

namespace cleave {

std::unique_ptr<LatencyModel> pool_latency(const Scenario& scenario, std::size_t pool) {
  const PoolSpec& spec = scenario.pools[pool];
  return LatencyPolicies::make(
      "latency.policy", "latency policy", scenario.latency_policy,
      InstanceDescription{scenario.llm, spec.machine, spec.tensor_parallel, spec.pipeline_parallel,
                          scenario.latency_profiles, "pools[" + std::to_string(pool) + "]"});
}

}  // namespace cleave
