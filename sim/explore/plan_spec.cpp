#include "sim/explore/plan_spec.h"

#include <algorithm>

#include "sim/base/error.h"
#include "sim/scenario/pool_latency.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

/// A pool as a scenario has it, but for role and count.
Json read_design_pool(JsonReader& reader, const std::string& role) {
  const Json& value = reader.value(role);
  if (value.is_string()) return {{"machine", value}};
  if (!value.is_object()) reader.fail(role, "expected a machine, or an object with \"machine\"");
  for (const char* key : {"role", "count", "shares_machines_of"}) {
    if (value.contains(key)) {
      reader.fail(role + "." + key, "not expected; the plan finds pools of their own");
    }
  }
  return value;
}

/// The machines of a design as its scenarios will have them, all of whose settings are checked.
void read_machines(const JsonReader& reader, Json scenario, ProfileUse& profiles, Design& design) {
  scenario["pools"] = design_pools(design, std::vector<std::uint32_t>(design.roles.size(), 1));
  scenario["scheduler"]["policy"] = design.scheduler;
  scenario["faults"] = Json::array();
  try {
    const Scenario read = read_scenario(scenario);
    profiles.add(read);
    for (std::size_t i = 0; i < read.pools.size(); ++i) {
      design.machines.push_back(read.pools[i].machine);
      design.estimated = design.estimated || pool_latency(read, i)->estimated();
    }
  } catch (const InputError& error) {
    throw InputError(reader.path() + ": " + error.what());
  }
}

std::string read_scheduler(JsonReader& reader, const Json& scenario, bool one_pool) {
  if (reader.has("scheduler")) return reader.text("scheduler");
  const auto policy = scenario["scheduler"]["policy"].get<std::string>();
  return one_pool && policy == "mixed_pool" ? "token_jsq" : policy;
}

/// That what counts prices has all of them.
void check_prices(const JsonReader& reader, const Design& design) {
  for (std::size_t i = 0; i < design.machines.size(); ++i) {
    if (design.machines[i].has_price()) continue;
    reader.fail(design.roles[i] + ".price_per_hour",
                "is missing, and no price of \"" + design.machines[i].name +
                    "\" is published; expected what you pay, in $/hour");
  }
}

Design read_design(JsonReader& reader, const PlanSpec& spec, ProfileUse& profiles) {
  constexpr std::int64_t kMost = 10'000;
  Design design;
  design.name = reader.text("name");
  const bool mixed = reader.has("mixed");
  design.roles =
      mixed ? std::vector<std::string>{"mixed"} : std::vector<std::string>{"prompt", "token"};
  for (const std::string& role : design.roles) {
    design.pools.push_back(read_design_pool(reader, role));
  }
  design.scheduler = read_scheduler(reader, spec.scenario, mixed);
  read_machines(reader, spec.scenario, profiles, design);
  if (spec.counts_prices()) check_prices(reader, design);
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

/// Whole numbers, each once.
std::vector<std::int64_t> read_seeds(JsonReader& reader) {
  constexpr double kLargest = 1e15;
  std::vector<std::int64_t> seeds;
  for (const double seed : reader.numbers("seeds", {0, kLargest, false})) {
    const auto whole = static_cast<std::int64_t>(seed);
    const std::string place = "seeds[" + std::to_string(seeds.size()) + "]";
    if (static_cast<double>(whole) != seed) {
      reader.fail(place, "expected a whole number, found " + Json(seed).dump());
    }
    if (std::find(seeds.begin(), seeds.end(), whole) != seeds.end()) {
      reader.fail(place, "expected each seed once, found " + std::to_string(whole) + " again");
    }
    seeds.push_back(whole);
  }
  if (seeds.empty()) reader.fail("seeds", "expected at least one");
  return seeds;
}

}  // namespace

Json design_pools(const Design& design, const std::vector<std::uint32_t>& counts) {
  Json pools = Json::array();
  for (std::size_t i = 0; i < design.roles.size(); ++i) {
    Json pool{{"role", design.roles[i]}};
    pool.update(design.pools[i]);
    pool["count"] = counts[i];
    pools.push_back(std::move(pool));
  }
  return pools;
}

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
    reader.object("scenario");  // nothing else can be merged
    spec.scenario = merge_scenario(spec.scenario, reader.value("scenario"));
  }
  read_goal(reader, spec);
  ProfileUse profiles;
  for (JsonReader& design : reader.objects("designs")) {
    spec.designs.push_back(read_design(design, spec, profiles));
  }
  profiles.check();
  if (spec.designs.empty()) reader.fail("designs", "expected at least one");
  spec.seeds = reader.has("seeds") ? read_seeds(reader) : std::vector<std::int64_t>{1, 2, 3};
  reader.finish();
  const Json& workload = spec.scenario["workload"];
  if (workload.contains("concurrency") || workload.value("arrivals", Json()) == "infinite") {
    throw InputError(place + ": scenario.workload." +
                     (workload.contains("concurrency") ? "concurrency" : "arrivals") +
                     ": a plan needs requests that arrive at a rate whatever becomes of others; "
                     "sweep workload.concurrency for how a cluster does with so many at once");
  }
  if (!workload.contains("rate_rps")) {
    throw InputError(place +
                     ": scenario.workload.rate_rps is missing; a plan generates its requests");
  }
  if (spec.scenario["slo"].is_null() || spec.scenario["slo"] == "none") {
    throw InputError(place + ": scenario.slo is missing; a plan needs objectives to keep");
  }
  return spec;
}

}  // namespace cleave
