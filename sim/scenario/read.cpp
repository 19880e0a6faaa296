#include <algorithm>

#include "models/latency/instance_model.h"
#include "sim/base/error.h"
#include "sim/base/reference.h"
#include "sim/scenario/faults.h"
#include "sim/scenario/kv_tiers.h"
#include "sim/scenario/llms.h"
#include "sim/scenario/power.h"
#include "sim/scenario/read_batching.h"
#include "sim/scenario/read_pools.h"
#include "sim/scenario/resolve.h"
#include "sim/scenario/scaling.h"
#include "sim/scenario/traffic_classes.h"

namespace cleave {

namespace {

const Accepts kSection = words("a section of its own");
const Setting kLlm{"llm", nullptr, "", "the LLM that is served: cleave list llms",
                   words("a name, also of Hugging Face, or a .json file")};
const Reference::Entry kScenario{
    {"scenario",
     "",
     "A scenario, one JSON file, in which // comments may stand. It says what differs from the "
     "default scenario.",
     {{"summary", nullptr, "", "what cleave list scenarios says of it", words("a text")},
      kLlm,
      {"weights", nullptr, "", "how weights are stored", kSection},
      {"kv_cache", nullptr, "", "memory for KV caches, prefix caching", kSection},
      {"latency", nullptr, "", "where the times of iterations are from", kSection},
      {"workload", nullptr, "", "what arrives, and when", kSection},
      {"classes", nullptr, "", "kinds of requests, each with its share, SLO and priority",
       words("a list of sections")},
      {"pools", nullptr, "", "the machines", words("a list of sections")},
      {"prices", nullptr, "", "in the place of the machines' own prices: cleave list prices",
       words("a name or a .json file")},
      {"scheduler", nullptr, "", "which instance a request goes to", kSection},
      {"batching", nullptr, "", "what an instance computes in an iteration", kSection},
      {"kv_transfer", nullptr, "", "how KV caches get from prompt to token machines", kSection},
      {"fabric", nullptr, "", "the network between machines", kSection},
      {"scaling", nullptr, "", "how many machines are on", kSection},
      {"faults", nullptr, "", "what fails, and when", words("a list of sections")},
      {"slo", nullptr, "", "what latencies may be",
       words("a name (splitwise), a .json file, \"none\" or a section")},
      {"power", nullptr, "", "a budget, and what energy costs", kSection},
      {"results", nullptr, "", "what is measured", kSection}}}};

const Setting kCacheFormat{"format", "fp16", "", "of keys and values", any_format()};
const Setting kGrouped{"grouped_query", nullptr, "",
                       "false: as if each head had keys and values of its own", true_or_false()};
const Setting kFraction{"memory_fraction", nullptr, "",
                        "of the GPUs' memory, for weights and KV caches; the engine's own",
                        in({0.01, 1, false})};
const Setting kWatermark{"watermark", nullptr, "",
                         "of KV memory, kept free where sequences start; the engine's own",
                         in({0, 0.5, false})};
const Setting kBlockTokens{"block_tokens", nullptr, "tokens", "of a block; the engine's own",
                           whole(1, 65'536)};
const Setting kBlocks{"blocks", nullptr, "blocks",
                      "of an instance, as the engine says at its start; else computed",
                      whole(1, 1'000'000'000)};
const Setting kPrefixCaching{"prefix_caching", false, "",
                             "prompts that begin alike are computed once", true_or_false()};
const Setting kTierList{"tiers", nullptr, "", "memories behind the prefix cache",
                        words("a list of sections")};
const Reference::Entry kKvCache{{"scenario",
                                 "kv_cache",
                                 "Memory for KV caches.",
                                 {kCacheFormat, kGrouped, kFraction, kWatermark, kBlockTokens,
                                  kBlocks, kPrefixCaching, kTierList}}};

const Setting kProfiles{"profiles", nullptr, "",
                        "of one's own measurements, as cleave profile fit writes them",
                        words("a list of .json files")};
const Setting kEngine{"engine", nullptr, "",
                      "whose software runs, with its scheduler: cleave list engines",
                      words("a name or a .json file")};
const Setting kExpertSkew{"expert_skew", 0, "",
                          "the expert at rank r is asked for by a share of the tokens that goes as "
                          "r^-expert_skew; 0: all alike",
                          in({0, 3, false})};
const Setting kPlacement{
    "expert_placement", nullptr, "",
    "of unlike experts on the parts of expert_parallel: random, or balanced as "
    "a load balancer does; random",
    one_of({"random", "balanced"})};
const Reference::Entry kLatency{
    {"scenario",
     "latency",
     "Where the times of iterations are from.",
     {{"policy", nullptr, "", "how they are known"}, kProfiles, kEngine, kExpertSkew, kPlacement}}};

void read_latency_profiles(JsonReader& latency, Scenario& scenario) {
  const Json& files = latency.value(kProfiles.name);
  const bool texts =
      files.is_array() &&
      std::all_of(files.begin(), files.end(), [](const Json& file) { return file.is_string(); });
  if (!texts)
    latency.fail("profiles", "expected a list of JSON files, as cleave profile fit writes");
  for (const Json& name : files) {
    const auto file = name.get<std::string>();
    scenario.latency_profiles.push_back(read_latency_profile(load_json(file), file));
  }
}

KvCacheSpec read_kv_memory(JsonReader& cache) {
  KvCacheSpec spec;
  spec.memory_fraction = kFraction.optional_number(cache);
  spec.watermark = kWatermark.optional_number(cache);
  spec.block_tokens = kBlockTokens.optional_count(cache);
  spec.blocks = kBlocks.optional_count<std::uint64_t>(cache);
  spec.prefix_caching = kPrefixCaching.boolean(cache);
  if (kTierList.given(cache)) spec.tiers = read_tiers(cache);
  if (!spec.tiers.empty() && !spec.prefix_caching) {
    cache.fail("tiers", "are behind prefix caches; expected \"prefix_caching\": true beside them");
  }
  return spec;
}

void read_expert_skew(JsonReader& latency, ExpertSkew& spec) {
  spec.skew = kExpertSkew.number(latency);
  if (!kPlacement.given(latency)) return;
  spec.balanced = kPlacement.choice(latency) == "balanced";
  if (spec.skew == 0) latency.fail(kPlacement.name, "has no meaning without expert_skew");
}

void read_memory_and_latency(JsonReader& reader, Scenario& scenario) {
  check_weights(reader);
  JsonReader cache = reader.object("kv_cache");
  for (const Setting* of_llms : {&kCacheFormat, &kGrouped}) of_llms->given(cache);
  scenario.kv_cache = read_kv_memory(cache);
  cache.finish();
  JsonReader latency = reader.object("latency");
  scenario.latency_policy = latency.name("policy", "latency policy", LatencyPolicies::names());
  if (kProfiles.given(latency)) read_latency_profiles(latency, scenario);
  if (kEngine.given(latency)) {
    scenario.engine = load_engine(kEngine.text(latency), latency.path_of(kEngine.name));
    scenario.engine_named = true;
    if (scenario.latency_policy != "auto" && scenario.latency_policy != "engine") {
      latency.fail("engine", "latency.policy \"" + scenario.latency_policy +
                                 "\" does not look at it; expected \"auto\" or \"engine\"");
    }
  }
  read_expert_skew(latency, scenario.expert_skew);
  latency.finish();
}

void check_expert_skew(const Scenario& scenario) {
  if (scenario.expert_skew.skew == 0) return;
  const auto with_experts = [](const Llm& llm) { return llm.experts > 1; };
  if (!std::any_of(scenario.llms.begin(), scenario.llms.end(), with_experts)) {
    throw InputError("latency.expert_skew: " + scenario.llms.front().name + " has no experts");
  }
  const bool steps = scenario.latency_policy == "auto" || scenario.latency_policy == "engine";
  if (!steps || !scenario.engine || scenario.engine->roofline) {
    throw InputError(
        "latency.expert_skew: only the step model knows of experts; expected "
        "latency.engine vllm, sglang or trtllm");
  }
  const auto parts = [](const PoolSpec& pool) { return pool.expert_parallel > 1; };
  if (scenario.document["latency"].contains("expert_placement") &&
      std::none_of(scenario.pools.begin(), scenario.pools.end(), parts)) {
    throw InputError("latency.expert_placement: has no meaning without expert_parallel of a pool");
  }
}

/// Tiers where they can be, and credits for those alone.
void check_tiers(const Scenario& scenario) {
  const std::vector<TierSpec>& tiers = scenario.kv_cache.tiers;
  for (std::size_t i = 0; i < kTiers; ++i) {
    const auto tier = static_cast<Tier>(i);
    const bool there = std::any_of(tiers.begin(), tiers.end(),
                                   [&](const TierSpec& spec) { return spec.tier == tier; });
    const std::string credit = std::string(tier_name(tier)) + "_credit";
    if (!there && scenario.document["scheduler"].contains(credit)) {
      throw InputError("scheduler." + credit + ": has no meaning without a tier \"" +
                       tier_name(tier) + "\" in kv_cache.tiers");
    }
    if (there && tier == Tier::kStore && scenario.fabric.name == "pipe") {
      throw InputError(
          "kv_cache.tiers: a store is reached over links, which fabric.topology \"pipe\" has none "
          "of; expected another topology");
    }
  }
}

void check_priorities(const Scenario& scenario) {
  if (scenario.workload.priority_shares.empty()) return;
  if (scenario.batching.queue_order == QueueOrder::kPriority) return;
  throw InputError(
      "workload.priority_shares: nobody looks at priorities; expected batching.queue_order "
      "\"priority\"");
}

/// An order of the queue that nothing distinguishes is a mistake.
void check_queue_order(const Scenario& scenario) {
  if (scenario.batching.queue_order != QueueOrder::kSlack || !scenario.classes.empty()) return;
  throw InputError(
      "batching.queue_order: \"slack\" looks at the SLOs of classes; expected classes, or another "
      "order");
}

const Setting kOutputLength{"output_length", nullptr, "",
                            "what schedulers take a request's output to be: its own, as none can "
                            "know, or the workload's mean",
                            one_of({"known", "mean"})};
const Reference::Entry kScheduler{{"scenario",
                                   "scheduler",
                                   "Which instance a request goes to.",
                                   {{"policy", nullptr, "", "who chooses"}, kOutputLength}}};

SchedulerSpec read_scheduler(JsonReader reader) {
  SchedulerSpec spec;
  spec.policy = Schedulers::choose(reader, "policy", "scheduler");
  spec.output_length_known = kOutputLength.choice(reader) == "known";
  reader.finish();
  return spec;
}

const Setting kSync{"sync_s", nullptr, "s",
                    "prompt machine and token machine take to agree; the machines' own",
                    in({0, 1e3, false})};
const Setting kSlowdown{"prompt_slowdown", nullptr, "",
                        "of a prompt while its KV cache leaves layer by layer", in({0, 10, false})};
const Reference::Entry kTransfer{
    {"scenario",
     "kv_transfer",
     "How KV caches get from prompt to token machines.",
     {{"policy", nullptr, "", "when a KV cache leaves, and who begins"},
      {"admission", nullptr, "", "what a prompt does whose token machine has no room"},
      kSync,
      kSlowdown}}};

KvTransferSpec read_kv_transfer(JsonReader reader) {
  KvTransferSpec spec;
  spec.policy = TransferPolicies::choose(reader, "policy", "KV transfer policy");
  spec.admission = Admissions::choose(reader, "admission", "admission");
  spec.sync_s = kSync.optional_number(reader);
  spec.prompt_slowdown = kSlowdown.number(reader);
  reader.finish();
  return spec;
}

const Reference::Entry kFabric{
    {"scenario",
     "fabric",
     "The network between machines; cleave list fabrics also has presets.",
     {{"topology", nullptr, "", "how machines are linked"}}}};

Fabrics::Choice read_fabric(JsonReader reader) {
  Fabrics::Choice choice = Fabrics::choose(reader, "topology", "topology");
  reader.finish();
  return choice;
}

}  // namespace

Scenario read_scenario(const Json& document) {
  Scenario scenario;
  scenario.document = document;
  JsonReader reader(scenario.document, "");
  reader.text("llm");
  read_memory_and_latency(reader, scenario);
  JsonReader workload = reader.object("workload");
  scenario.workload = classes_bring_all(document) ? read_frame(workload) : read_workload(workload);
  scenario.batching = read_batching(reader.object("batching"));
  scenario.batching.speculation.seed = scenario.workload.seed;
  if (!scenario.engine && scenario.batching.policy.name != "splitwise") {
    scenario.engine = load_engine(scenario.batching.policy.name, "batching.policy");
  }
  scenario.scaling = read_scaling(reader);
  read_pools(reader, scenario);
  check_priorities(scenario);
  check_expert_skew(scenario);
  scenario.scheduler = read_scheduler(reader.object("scheduler"));
  scenario.kv_transfer = read_kv_transfer(reader.object("kv_transfer"));
  scenario.fabric = read_fabric(reader.object("fabric"));
  check_tiers(scenario);
  check_scaling(scenario);
  scenario.faults = read_faults(reader, scenario);
  scenario.slo = read_slo(reader);
  read_classes(reader, scenario);
  check_llms(scenario);
  check_queue_order(scenario);
  scenario.power = read_power(reader);
  scenario.results = read_results(reader.object("results"));
  if (scenario.results.warmup_s && scenario.workload.warmup_requests > 0) {
    reader.fail("results.warmup_s",
                "contradicts workload.warmup_requests; use \"auto\" beside it, and the first "
                "request behind them begins what is measured");
  }
  reader.finish();
  return scenario;
}

}  // namespace cleave
