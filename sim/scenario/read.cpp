#include <algorithm>

#include "models/latency/instance_model.h"
#include "sim/base/error.h"
#include "sim/scenario/faults.h"
#include "sim/scenario/kv_tiers.h"
#include "sim/scenario/llms.h"
#include "sim/scenario/power.h"
#include "sim/scenario/read_pools.h"
#include "sim/scenario/resolve.h"
#include "sim/scenario/scaling.h"
#include "sim/scenario/traffic_classes.h"

namespace cleave {

namespace {

void read_latency_profiles(JsonReader& latency, Scenario& scenario) {
  const Json& files = latency.value("profiles");
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
  if (cache.has("memory_fraction")) {
    spec.memory_fraction = cache.number("memory_fraction", {0.01, 1, false});
  }
  if (cache.has("watermark")) spec.watermark = cache.number("watermark", {0, 0.5, false});
  if (cache.has("block_tokens")) {
    spec.block_tokens = static_cast<std::uint32_t>(cache.integer("block_tokens", 1, 65'536));
  }
  if (cache.has("blocks")) {
    spec.blocks = read_kv_blocks(cache, "blocks");
  }
  spec.prefix_caching = cache.boolean("prefix_caching", false);
  if (cache.has("tiers")) spec.tiers = read_tiers(cache);
  if (!spec.tiers.empty() && !spec.prefix_caching) {
    cache.fail("tiers", "are behind prefix caches; expected \"prefix_caching\": true beside them");
  }
  return spec;
}

void read_expert_skew(JsonReader& latency, ExpertSkew& spec) {
  spec.skew = latency.number("expert_skew", {0, 3, false}, 0);
  if (!latency.has("expert_placement")) return;
  spec.balanced = latency.name("expert_placement", "choice", {"random", "balanced"}) == "balanced";
  if (spec.skew == 0) latency.fail("expert_placement", "has no meaning without expert_skew");
}

/// Formats are read with the pools, which may have LLMs of their own.
void read_memory_and_latency(JsonReader& reader, Scenario& scenario) {
  JsonReader weights = reader.object("weights");
  for (const char* key : {"format", "experts", "activations", "size"}) weights.has(key);
  weights.finish();
  JsonReader cache = reader.object("kv_cache");
  for (const char* key : {"format", "grouped_query"}) cache.has(key);
  scenario.kv_cache = read_kv_memory(cache);
  cache.finish();
  JsonReader latency = reader.object("latency");
  scenario.latency_policy = latency.name("policy", "latency policy", LatencyPolicies::names());
  if (latency.has("profiles")) read_latency_profiles(latency, scenario);
  if (latency.has("engine")) {
    scenario.engine = load_engine(latency.text("engine"), latency.path_of("engine"));
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
  if (!scenario.engine || scenario.engine->roofline) {
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

SchedulerSpec read_scheduler(JsonReader reader) {
  SchedulerSpec spec;
  spec.policy = Schedulers::choose(reader, "policy", "scheduler");
  spec.output_length_known = reader.name("output_length", "choice", {"known", "mean"}) == "known";
  reader.finish();
  return spec;
}

MemoryPolicies::Choice read_memory(JsonReader& reader, const BatchingPolicies::Choice& policy) {
  if (!reader.has("memory")) {
    return {"paged",
            [] { return MemoryPolicies::make("batching.memory", "memory policy", "paged"); }};
  }
  if (policy.make({})->memory({}) != nullptr) {
    reader.fail("memory", "is for \"splitwise\": \"" + policy.name +
                              "\" has its own way to keep blocks; leave it out");
  }
  return MemoryPolicies::choose(reader, "memory", "memory policy");
}

void read_cuda_graphs(JsonReader& reader, BatchingSpec& spec) {
  if (reader.has("cuda_graph_sizes")) {
    constexpr std::uint32_t kLargest = 1'000'000;
    for (const double size : reader.numbers("cuda_graph_sizes", {1, kLargest, false})) {
      spec.cuda_graph_sizes.push_back(static_cast<std::uint32_t>(size));
      if (size != spec.cuda_graph_sizes.back()) {
        reader.fail("cuda_graph_sizes", "expected whole numbers of sequences");
      }
    }
    if (spec.cuda_graph_sizes.empty()) {
      reader.fail("cuda_graph_sizes", "expected the sizes of the captured batches; none are there");
    }
    std::sort(spec.cuda_graph_sizes.begin(), spec.cuda_graph_sizes.end());
  }
  if (!reader.has("eager_s")) return;
  spec.eager_s = reader.number("eager_s", {0, 10, false});
  if (spec.cuda_graph_sizes.empty()) {
    reader.fail("eager_s",
                "has no meaning without cuda_graph_sizes, beyond which iterations run without a "
                "graph");
  }
}

Speculation read_speculation(JsonReader& reader) {
  Speculation speculation;
  if (reader.has("speculative_tokens")) {
    speculation.tokens = static_cast<std::uint32_t>(reader.integer("speculative_tokens", 0, 64));
  }
  if (!speculation.on()) {
    for (const char* key : {"acceptance_rate", "draft_s", "accepted_tokens"}) {
      if (reader.has(key)) reader.fail(key, "has no meaning without speculative_tokens");
    }
    return speculation;
  }
  speculation.acceptance = reader.number("acceptance_rate", {0, 1, false});
  speculation.draft_s = reader.number("draft_s", {0, 10, false}, 0);
  speculation.drawn = !reader.has("accepted_tokens") ||
                      reader.name("accepted_tokens", "choice", {"drawn", "mean"}) == "drawn";
  return speculation;
}

QueueOrder read_queue_order(JsonReader& reader, const BatchingPolicies::Choice& policy) {
  const auto made = policy.make({});
  const QueueOrder otherwise = made->by_priority() ? QueueOrder::kPriority : QueueOrder::kArrival;
  if (!reader.has("queue_order")) return otherwise;
  const std::string name = reader.name("queue_order", "choice", {"arrival", "priority", "slack"});
  const QueueOrder order = name == "priority" ? QueueOrder::kPriority
                           : name == "slack"  ? QueueOrder::kSlack
                                              : QueueOrder::kArrival;
  if (made->by_priority() && order != otherwise) {
    reader.fail("queue_order", "contradicts scheduling_policy \"priority\"");
  }
  if (made->as_published() && order != QueueOrder::kArrival) {
    reader.fail("queue_order",
                "expected \"arrival\": the published simulator knows no other order");
  }
  return order;
}

BatchingSpec read_batching(JsonReader reader) {
  BatchingSpec spec;
  spec.policy = BatchingPolicies::choose(reader, "policy", "batching policy");
  spec.queue_order = read_queue_order(reader, spec.policy);
  spec.memory = read_memory(reader, spec.policy);
  if (reader.has("mixed_iteration_factor")) {
    spec.mixed_iteration_factor = reader.number("mixed_iteration_factor", {0.01, 100, false});
  }
  if (reader.has("mixed_at_least_decode")) {
    spec.mixed_at_least_decode = reader.boolean("mixed_at_least_decode");
    if (!spec.mixed_iteration_factor) {
      reader.fail(
          "mixed_at_least_decode",
          "has no meaning without mixed_iteration_factor, for which it says that its result "
          "is never less than the decodes alone");
    }
  }
  read_cuda_graphs(reader, spec);
  spec.speculation = read_speculation(reader);
  reader.finish();
  return spec;
}

KvTransferSpec read_kv_transfer(JsonReader reader) {
  KvTransferSpec spec;
  spec.policy = TransferPolicies::choose(reader, "policy", "KV transfer policy");
  spec.admission = Admissions::choose(reader, "admission", "admission");
  if (reader.has("sync_s")) spec.sync_s = reader.number("sync_s", {0, 1e3, false});
  spec.prompt_slowdown = reader.number("prompt_slowdown", {0, 10, false});
  reader.finish();
  return spec;
}

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
