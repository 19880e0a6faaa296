#include "sim/explore/plan_spec.h"

#include <algorithm>

#include "models/latency/expected_error.h"
#include "sim/base/error.h"
#include "sim/base/reference.h"
#include "sim/explore/pool_cuts.h"
#include "sim/scenario/pool_latency.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

const Accepts kSection = words("a section of its own");
const Accepts kAsScenario = words("as the section of a scenario");
const Accepts kPools = words("a machine, a pool as scenarios have them, or a list of them");
const Setting kSummary{"summary", "", "", "what cleave list plans says of it", words("a text")};
const Setting kPresets{"presets", nullptr, "", "below the scenario", words("a list of names")};
const Setting kScenario{"scenario", nullptr, "", "beyond the default, but for pools and faults",
                        words("a scenario")};
const Setting kPrices{"prices", nullptr, "", "in the place of the machines' own",
                      words("a name or a .json file: cleave list prices")};
const Setting kMaximize{"maximize", nullptr, "", "within a budget, in the place of minimize",
                        one_of({"throughput"})};
const Setting kMinimize{"minimize", nullptr, "", "of clusters that keep the SLO",
                        one_of({"cost", "machines", "power"})};
const Setting kBudget{"budget", nullptr, "", "limits of the clusters that are looked at", kSection};
const Setting kDesigns{"designs", nullptr, "", "kinds of clusters, of which sizes are found",
                       words("a list of sections")};
const Setting kSeeds{"seeds", Json::array({1, 2, 3}), "",
                     "under all of which a cluster must keep its SLO", in({0, 1e15, false}).each()};
const Setting kSpares{"spare_machines", 0, "machines",
                      "of any one pool, without which the answer holds, too", whole(0, 1000)};
const Setting kConfidence{"confidence", PlanSpec{}.confidence, "",
                          "that the SLO holds where latencies are estimated; else clusters are as "
                          "estimated",
                          in({0.5, 0.999, false})};
const Reference::Entry kPlan{
    {"plan",
     "",
     "A plan: the least cluster, of the kinds of its designs, that keeps the scenario's SLO at its "
     "rate; or the most throughput within a budget.",
     {kSummary,
      kScenario,
      kPresets,
      kPrices,
      kMinimize,
      kMaximize,
      kBudget,
      kDesigns,
      kSeeds,
      kSpares,
      kConfidence,
      {"day", nullptr, "", "for a plan of a day, over the scenario's workload.rates", kSection}}}};

const Setting kMostCost{"cost_per_hour", 0, "$/h", "at most; 0: no limit", in(kPositive)};
const Setting kMostPower{"power_w", 0, "W", "provisioned, at most; 0: no limit", in(kPositive)};
const Reference::Entry kLimits{
    {"plan", "budget", "Limits of the clusters that are looked at.", {kMostCost, kMostPower}}};

const Setting kName{"name", nullptr, "", "of the design", words("a text")};
const Setting kScheduler{"scheduler", nullptr, "",
                         "the scenario's policy, but token_jsq where all are mixed",
                         words("a policy")};
const Setting kMost{"most", 100, "machines", "of a pool, at most", whole(1, 10'000)};
const Reference::Entry kDesign{
    {"plan",
     "designs[]",
     "Kinds of clusters: mixed, or prompt and token, each a machine or a pool without role and "
     "count, whose tensor_parallel and pipeline_parallel may be lists to try.",
     {kName,
      {"prompt", nullptr, "", "machines of the prompt pool", kPools},
      {"token", nullptr, "", "machines of the token pool", kPools},
      {"mixed", nullptr, "", "machines of a mixed pool", kPools},
      kMost,
      kScheduler,
      {"batching", nullptr, "", "of this design", kAsScenario},
      {"kv_cache", nullptr, "", "of this design", kAsScenario},
      {"kv_transfer", nullptr, "", "of this design", kAsScenario},
      {"fabric", nullptr, "", "of this design", kAsScenario}}}};

/// A pool as a scenario has it, but for role and count.
Json read_design_pool(const Json& value, const std::string& place) {
  if (value.is_string()) return {{"machine", value}};
  if (!value.is_object()) {
    throw InputError(place + ": expected a machine, or an object with \"machine\", found " +
                     json_kind(value));
  }
  for (const char* key : {"role", "count", "shares_machines_of", "borrows_machines_of", "llm"}) {
    if (value.contains(key)) {
      throw InputError(place + "." + key + ": not expected; the plan finds pools of their own");
    }
  }
  return value;
}

/// Every way to cut the pools read so far, with those of one more.
std::vector<Layout> with_pool(const std::vector<Layout>& layouts, const std::vector<Json>& cuts) {
  std::vector<Layout> all;
  for (const Layout& layout : layouts) {
    for (const Json& cut : cuts) {
      all.push_back(layout);
      all.back().pools.push_back(cut);
    }
  }
  return all;
}

/// The pools of this role: one, or a list.
void read_role(JsonReader& reader, const std::string& role, Design& design) {
  const Json& value = reader.value(role);
  const bool list = value.is_array();
  const Json pools = list ? value : Json::array({value});
  if (pools.empty()) reader.fail(role, "expected at least one pool");
  for (std::size_t i = 0; i < pools.size(); ++i) {
    const std::string place =
        reader.path_of(role) + (list ? "[" + std::to_string(i) + "]" : std::string());
    const Json pool = read_design_pool(pools[i], place);
    design.layouts = with_pool(design.layouts, pool_cuts(pool, place, design.scenario));
    design.roles.push_back(role);
  }
}

/// What a scenario with one machine in each pool says; it is checked with all its settings.
Scenario read_with_layout(const Design& design, std::size_t layout) {
  Json scenario = design.scenario;
  scenario["pools"] =
      design_pools(design, {layout, std::vector<std::uint32_t>(design.roles.size(), 1)});
  scenario["faults"] = Json::array();
  return read_scenario(scenario);
}

double tpot_error(const Scenario& scenario, std::size_t pool, const LatencyModel& latency) {
  if (!latency.estimated() || !scenario.engine || scenario.engine->roofline) return 0;
  const auto error = expected_error(*scenario.engine, scenario.llm_of(scenario.pools[pool]).name,
                                    scenario.pools[pool].machine.gpu.name);
  return error ? error->tpot : 0;
}

void read_layouts(const JsonReader& reader, ProfileUse& profiles, Design& design) {
  try {
    for (std::size_t layout = 0; layout < design.layouts.size(); ++layout) {
      const Scenario read = read_with_layout(design, layout);
      profiles.add(read);
      design.machines.clear();
      for (std::size_t i = 0; i < read.pools.size(); ++i) {
        design.machines.push_back(read.pools[i].machine);
        const auto latency = pool_latency(read, i);
        design.layouts[layout].estimated |= latency->estimated();
        design.tpot_error = std::max(design.tpot_error, tpot_error(read, i, *latency));
        if (latency->estimated() && !latency->how_sure().empty())
          design.layouts[layout].how_sure = latency->how_sure();
      }
    }
  } catch (const InputError& error) {
    throw InputError(reader.path() + ": " + error.what());
  }
}

/// The sections in which designs may differ: how a cluster works, not what is asked of it.
Json read_settings(JsonReader& reader) {
  Json settings = Json::object();
  for (const char* section : {"batching", "kv_cache", "kv_transfer", "fabric"}) {
    if (!reader.has(section)) continue;
    reader.object(section);  // nothing else can be merged
    settings[section] = reader.value(section);
  }
  return settings;
}

std::string read_scheduler(JsonReader& reader, const Json& scenario, bool mixed_only) {
  if (kScheduler.given(reader)) return kScheduler.text(reader);
  const auto policy = scenario["scheduler"]["policy"].get<std::string>();
  return mixed_only && policy == "mixed_pool" ? "token_jsq" : policy;
}

/// That what counts prices has all of them.
void check_prices(const JsonReader& reader, const Design& design) {
  for (std::size_t i = 0; i < design.machines.size(); ++i) {
    if (design.machines[i].has_price()) continue;
    const auto role = design.roles.begin() + static_cast<std::ptrdiff_t>(i);
    const auto first = std::find(design.roles.begin(), design.roles.end(), *role);
    std::string place = *role;
    if (std::count(first, design.roles.end(), *role) > 1) {
      place += "[" + std::to_string(role - first) + "]";
    }
    const std::string& name = design.machines[i].name;
    const Json prices = design.scenario.value("prices", Json());
    reader.fail(
        place + ".price_per_hour",
        "is missing, and " +
            (prices.is_string() ? prices.get<std::string>() + " has no price of \"" + name + "\""
                                : "no price of \"" + name + "\" is published") +
            "; expected what you pay, in $/hour");
  }
}

Design read_design(JsonReader& reader, const PlanSpec& spec, ProfileUse& profiles) {
  Design design;
  design.name = kName.text(reader);
  design.settings = read_settings(reader);
  design.scenario = merge_scenario(spec.scenario, design.settings);
  const bool mixed_only = !reader.has("prompt") && !reader.has("token");
  design.scheduler = read_scheduler(reader, design.scenario, mixed_only);
  design.scenario["scheduler"]["policy"] = design.scheduler;
  design.layouts = {{}};
  for (const char* role : {"prompt", "token", "mixed"}) {
    if (reader.has(role)) read_role(reader, role, design);
  }
  if (design.roles.empty()) {
    reader.fail("mixed", "is missing; expected \"mixed\", or \"prompt\" and \"token\"");
  }
  read_layouts(reader, profiles, design);
  if (spec.counts_prices()) check_prices(reader, design);
  design.most = kMost.count(reader);
  reader.finish();
  return design;
}

void read_goal(JsonReader& reader, PlanSpec& spec) {
  if (kMaximize.given(reader)) {
    kMaximize.choice(reader, "goal");
    spec.goal = PlanSpec::Goal::kThroughput;
  } else {
    const std::string least = kMinimize.choice(reader, "goal");
    spec.goal = least == "cost"    ? PlanSpec::Goal::kCost
                : least == "power" ? PlanSpec::Goal::kPower
                                   : PlanSpec::Goal::kMachines;
  }
  if (kBudget.given(reader)) {
    JsonReader budget = reader.object(kBudget.name);
    spec.budget_cost_per_hour = kMostCost.number(budget);
    spec.budget_power_w = kMostPower.number(budget);
    budget.finish();
  }
  const bool limited = spec.budget_cost_per_hour > 0 || spec.budget_power_w > 0;
  if (spec.goal == PlanSpec::Goal::kThroughput && !limited) {
    reader.fail("budget", "is missing; the most throughput needs cost_per_hour or power_w");
  }
}

}  // namespace

std::string Design::label(std::size_t pool) const {
  const std::string& role = roles[pool];
  if (std::count(roles.begin(), roles.end(), role) == 1) return role;
  return role + " " + machines[pool].name;
}

Json design_pools(const Design& design, const Sizes& sizes) {
  Json pools = Json::array();
  for (std::size_t i = 0; i < design.roles.size(); ++i) {
    Json pool{{"role", design.roles[i]}};
    pool.update(design.layouts[sizes.layout].pools[i]);
    pool["count"] = sizes.counts[i];
    pools.push_back(std::move(pool));
  }
  return pools;
}

PlanSpec read_plan(const Json& json, const std::string& place) {
  JsonReader reader(json, place);
  PlanSpec spec;
  kSummary.text(reader);
  ScenarioSources sources;
  if (kPresets.given(reader)) {
    for (const Json& name : reader.value(kPresets.name)) {
      if (!name.is_string()) reader.fail("presets", "expected a list of names");
      sources.presets.push_back(name.get<std::string>());
    }
  }
  spec.scenario = merge_scenario(sources);
  if (kScenario.given(reader)) {
    reader.object(kScenario.name);  // nothing else can be merged
    spec.scenario = merge_scenario(spec.scenario, reader.value(kScenario.name));
  }
  if (kPrices.given(reader)) spec.scenario["prices"] = kPrices.text(reader);
  read_goal(reader, spec);
  ProfileUse profiles;
  for (JsonReader& design : reader.objects(kDesigns.name)) {
    spec.designs.push_back(read_design(design, spec, profiles));
  }
  profiles.check();
  if (spec.designs.empty()) reader.fail("designs", "expected at least one");
  spec.seeds = kSeeds.given(reader) ? read_whole_numbers(reader, kSeeds.name, kSeeds.accepts.range)
                                    : kSeeds.otherwise.get<std::vector<std::int64_t>>();
  spec.spare_machines = kSpares.count(reader);
  spec.confidence = kConfidence.number(reader);
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
