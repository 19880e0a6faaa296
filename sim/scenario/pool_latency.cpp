#include "sim/scenario/pool_latency.h"

#include <algorithm>
#include <set>

#include "models/latency/cuda_graphs.h"
#include "models/latency/instance_model.h"
#include "models/latency/mixed_factor.h"
#include "sim/base/error.h"

namespace cleave {

namespace {

InstanceDescription instance_of(const Scenario& scenario, std::size_t pool) {
  const PoolSpec& spec = scenario.pools[pool];
  return {scenario.llm_of(spec),
          spec.machine,
          spec.tensor_parallel,
          spec.pipeline_parallel,
          scenario.latency_profiles,
          "pools[" + std::to_string(pool) + "]",
          spec.data_parallel,
          spec.expert_parallel,
          scenario.engine ? &*scenario.engine : nullptr,
          scenario.engine_named,
          scenario.expert_skew};
}

InstanceDescription reference_of(const Scenario& scenario, const SloSpec& slo, std::size_t llm) {
  const Machine& reference = slo.reference;
  return {scenario.llms[llm],
          reference,
          reference.gpu_count,
          1,
          scenario.latency_profiles,
          "slo.slowdown.reference",
          1,
          1,
          scenario.engine ? &*scenario.engine : nullptr,
          scenario.engine_named,
          scenario.expert_skew};
}

bool has_reference(const SloSpec& slo) {
  return std::any_of(slo.limits.begin(), slo.limits.end(),
                     [](const SloLimit& limit) { return limit.slowdown; });
}

std::unique_ptr<LatencyModel> make(const Scenario& scenario, const InstanceDescription& instance) {
  return LatencyPolicies::make("latency.policy", "latency policy", scenario.latency_policy,
                               instance);
}

std::vector<InstanceDescription> instances_of(const Scenario& scenario) {
  std::vector<InstanceDescription> all;
  for (std::size_t i = 0; i < scenario.pools.size(); ++i) all.push_back(instance_of(scenario, i));
  for (std::size_t llm = 0; llm < scenario.llms.size(); ++llm) {
    if (has_reference(scenario.slo)) all.push_back(reference_of(scenario, scenario.slo, llm));
  }
  for (const ClassSpec& each : scenario.classes) {
    if (has_reference(each.slo)) all.push_back(reference_of(scenario, each.slo, each.llm));
  }
  return all;
}

/// "" where `profile` is used: for latencies, or for power.
std::string why_not_used(const Scenario& scenario, const LatencyProfile& profile,
                         const std::set<std::string>& used) {
  std::string others;
  for (const InstanceDescription& instance : instances_of(scenario)) {
    const std::string name = instance_name(instance);
    if (name == profile.name() && (used.contains(name) || profile.power)) return "";
    if (name == profile.name()) {
      return "latency.policy \"" + scenario.latency_policy + "\" does not look at it";
    }
    others += (others.empty() ? "" : ", ") + instance.place + " asks for " + name;
  }
  if (used.contains(profile.name())) return "";
  return "it holds " + profile.name() + ", but " + others;
}

}  // namespace

std::unique_ptr<LatencyModel> pool_latency(const Scenario& scenario, std::size_t pool) {
  auto latency = make(scenario, instance_of(scenario, pool));
  const BatchingSpec& batching = scenario.batching;
  if (batching.mixed_iteration_factor) {
    latency = with_mixed_factor(std::move(latency), *batching.mixed_iteration_factor,
                                batching.mixed_at_least_decode);
  }
  if (!batching.cuda_graph_sizes.empty()) {
    latency = with_cuda_graphs(std::move(latency), batching.cuda_graph_sizes, batching.eager_s);
  }
  return latency;
}

std::unique_ptr<LatencyModel> reference_latency(const Scenario& scenario, const SloSpec& slo,
                                                std::size_t llm) {
  return make(scenario, reference_of(scenario, slo, llm));
}

ProfileUse& ProfileUse::add(const Scenario& scenario) {
  if (scenario.latency_profiles.empty()) return *this;
  std::set<std::string> used;
  for (const InstanceDescription& instance : instances_of(scenario)) {
    used.insert(make(scenario, instance)->profile());
  }
  const Json& files = scenario.document["latency"]["profiles"];
  std::set<std::string> seen;
  for (std::size_t i = 0; i < scenario.latency_profiles.size(); ++i) {
    const LatencyProfile& profile = scenario.latency_profiles[i];
    const bool first = seen.insert(profile.name()).second;
    const std::string why = first ? why_not_used(scenario, profile, used)
                                  : "another one before it holds " + profile.name() + " too";
    const auto [found, added] = why_not_.emplace(files[i].get<std::string>(), why);
    if (why.empty()) found->second = "";
  }
  return *this;
}

bool ProfileUse::all_used() const {
  return std::all_of(why_not_.begin(), why_not_.end(),
                     [](const auto& file) { return file.second.empty(); });
}

void ProfileUse::check() const {
  for (const auto& [file, why] : why_not_) {
    if (!why.empty()) throw InputError("latency.profiles: " + file + " is used nowhere: " + why);
  }
}

}  // namespace cleave
