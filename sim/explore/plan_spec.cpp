#include "sim/explore/plan_spec.h"

#include "sim/base/error.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

Design read_design(JsonReader& reader) {
  constexpr std::int64_t kMost = 10'000;
  Design design;
  design.name = reader.text("name");
  const bool mixed = reader.has("mixed");
  design.roles =
      mixed ? std::vector<std::string>{"mixed"} : std::vector<std::string>{"prompt", "token"};
  for (const std::string& role : design.roles) {
    design.machines.push_back(load_machine(reader.text(role), reader.path_of(role)));
  }
  design.most = static_cast<std::uint32_t>(reader.integer("most", 1, kMost, 100));
  reader.finish();
  return design;
}

void read_goal(JsonReader& reader, PlanSpec& spec) {
  if (reader.has("maximize")) {
    reader.name("maximize", "goal", {"throughput"});
    spec.goal = PlanSpec::Goal::kThroughput;
  } else {
    const std::string least = reader.name("minimize", "goal", {"cost", "machines", "power"});
    spec.goal = least == "cost"    ? PlanSpec::Goal::kCost
                : least == "power" ? PlanSpec::Goal::kPower
                                   : PlanSpec::Goal::kMachines;
  }
  if (reader.has("budget")) {
    JsonReader budget = reader.object("budget");
    spec.budget_cost_per_hour = budget.number("cost_per_hour", kPositive, 0);
    spec.budget_power_w = budget.number("power_w", kPositive, 0);
    budget.finish();
  }
  const bool limited = spec.budget_cost_per_hour > 0 || spec.budget_power_w > 0;
  if (spec.goal == PlanSpec::Goal::kThroughput && !limited) {
    reader.fail("budget", "is missing; the most throughput needs cost_per_hour or power_w");
  }
}

}  // namespace

PlanSpec read_plan(const Json& json, const std::string& place) {
  JsonReader reader(json, place);
  PlanSpec spec;
  reader.text("summary", "");
  ScenarioSources sources;
  if (reader.has("presets")) {
    for (const Json& name : reader.value("presets")) {
      if (!name.is_string()) reader.fail("presets", "expected a list of names");
      sources.presets.push_back(name.get<std::string>());
    }
  }
  spec.scenario = merge_scenario(sources);
  if (reader.has("scenario")) {
    spec.scenario = merge_scenario(spec.scenario, reader.value("scenario"));
  }
  read_goal(reader, spec);
  for (JsonReader& design : reader.objects("designs")) spec.designs.push_back(read_design(design));
  if (spec.designs.empty()) reader.fail("designs", "expected at least one");
  spec.seeds = {1, 2, 3};
  if (reader.has("seeds")) {
    spec.seeds.clear();
    for (const double seed : reader.numbers("seeds", {0, 1e15, false})) {
      spec.seeds.push_back(static_cast<std::int64_t>(seed));
    }
    if (spec.seeds.empty()) reader.fail("seeds", "expected at least one");
  }
  reader.finish();
  if (!spec.scenario["workload"].contains("rate_rps")) {
    throw InputError(place +
                     ": scenario.workload.rate_rps is missing; a plan generates its requests");
  }
  if (spec.scenario["slo"].is_null() || spec.scenario["slo"] == "none") {
    throw InputError(place + ": scenario.slo is missing; a plan needs objectives to keep");
  }
  return spec;
}

}  // namespace cleave
