#include "sim/scenario/scaling.h"

#include <string>

#include "sim/base/error.h"
#include "sim/base/reference.h"

namespace cleave {

namespace {

constexpr double kGiga = 1e9;
/// Engines compile, profile their memory and capture graphs before they serve.
const Setting kWarmUp{"warm_up_s", 30, "s", "until an engine whose weights are loaded serves",
                      in({0, 1e6, false})};
const Setting kWeightsFrom{"weights_from", "disk", "", "where a machine that comes up loads them",
                           one_of({"disk", "network"})};
const Setting kSpeed{"gb_per_s", nullptr, "GB/s",
                     "of that disk, the machine's own unless given, or of the store: needed",
                     in({0.001, 1e6, false})};
const Setting kDraining{"draining", "finish", "",
                        "what becomes of requests on an instance that drains, also by a fault",
                        one_of({"finish", "move"})};
const Reference::Entry kEntry{
    {"scenario",
     "scaling",
     "How many machines are on, which roles they take, and how long they need to come up.",
     {{"policy", "none", "", "who decides"}, kWeightsFrom, kSpeed, kWarmUp, kDraining}}};

}  // namespace

ScalingSpec read_scaling(JsonReader& scenario) {
  ScalingSpec spec;
  static const Json none{{"policy", "none"}};
  JsonReader unscaled(none, "scaling");
  JsonReader section = scenario.has("scaling") ? scenario.object("scaling") : unscaled;
  JsonReader& policy = section.has("policy") ? section : unscaled;
  spec.policy = ScalingPolicies::choose(policy, "policy", "scaling policy");
  spec.weights_from_network = kWeightsFrom.choice(section) == "network";
  if (kSpeed.given(section)) {
    spec.bytes_per_s = kGiga * kSpeed.number(section);
  } else if (spec.weights_from_network) {
    section.fail("gb_per_s", "is missing: nobody says how fast the store of weights is");
  }
  spec.warm_up_s = kWarmUp.number(section);
  spec.drains_by_moving = kDraining.choice(section) == "move";
  section.finish();
  return spec;
}

namespace {

/// Throws what the policy has against these pools.
void try_policy(const Scenario& scenario) {
  struct NoCapacity : PoolCapacity {
    double requests_rps(std::size_t, double, double, double) const override { return 0; }
    double start_up_s(std::size_t) const override { return 0; }
  };
  const NoCapacity none;
  for (std::size_t llm = 0; llm < scenario.llms.size(); ++llm) {
    ScalingContext context{{}, 0, scenario.pools.size(), none, {}};
    for (const PoolSpec& pool : scenario.pools) {
      if (pool.llm == llm) context.pools.push_back({pool.role, pool.count});
    }
    scenario.scaling.policy.make(context);
  }
}

}  // namespace

void check_scaling(const Scenario& scenario) {
  if (!scenario.scaling.on()) return;
  try_policy(scenario);
  if (scenario.scaling.weights_from_network && scenario.fabric.name == "pipe") {
    throw InputError(
        "scaling.weights_from: over the network weights need links, which fabric.topology \"pipe\" "
        "has none of; expected another topology, or \"disk\"");
  }
  for (std::size_t i = 0; i < scenario.pools.size(); ++i) {
    const std::string place = "pools[" + std::to_string(i) + "]";
    if (scenario.pools[i].shares_machines_of) {
      throw InputError(place +
                       ".shares_machines_of: machines that pools share cannot be scaled; "
                       "expected scaling.policy \"none\"");
    }
    const bool from_disk = !scenario.scaling.weights_from_network;
    if (from_disk && weights_disk_bytes_per_s(scenario, i) <= 0) {
      throw InputError("scaling.gb_per_s: is missing: the profile of machine \"" +
                       scenario.pools[i].machine.name + "\" does not say how fast its disks are");
    }
  }
}

double weights_disk_bytes_per_s(const Scenario& scenario, std::size_t pool) {
  const PoolSpec& spec = scenario.pools[pool];
  if (scenario.scaling.weights_from_network) return 0;
  return scenario.scaling.bytes_per_s.value_or(spec.machine.disk_read_bytes_per_s) /
         spec.instances_per_machine;
}

}  // namespace cleave
