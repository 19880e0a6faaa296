#include <algorithm>

#include "models/catalogue/memory_need.h"
#include "models/latency/instance_model.h"
#include "sim/base/error.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

constexpr std::int64_t kMostMachines = 100'000;  // of all pools
constexpr double kLongestS = 1e9;

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
    spec.blocks = static_cast<std::uint64_t>(cache.integer("blocks", 1, 1'000'000'000));
  }
  spec.prefix_caching = cache.boolean("prefix_caching", false);
  return spec;
}

void read_llm(JsonReader& reader, Scenario& scenario) {
  Llm& llm = scenario.llm;
  llm = load_llm(reader.text("llm"), reader.path_of("llm"));
  JsonReader weights = reader.object("weights");
  JsonReader cache = reader.object("kv_cache");
  Formats formats(read_format(weights, "format"), read_format(cache, "format"));
  if (weights.has("experts")) {
    formats.experts = read_format(weights, "experts");
    if (llm.experts == 1) weights.fail("experts", llm.name + " has no experts");
  }
  if (weights.has("activations")) formats.activations = read_format(weights, "activations");
  llm.store(formats);
  if (weights.name("size", "size", {"exact", "published"}) == "published") {
    if (llm.published_weight_bytes == 0 || llm.formats.weights != Format::kFp16) {
      weights.fail("size", "the published simulator does not know \"" + llm.name + "\" in " +
                               format_name(llm.formats.weights) + "; expected \"exact\"");
    }
    llm.weight_bytes = llm.published_weight_bytes;
  }
  weights.finish();
  if (!cache.boolean("grouped_query")) {
    llm.kv_bytes_per_token = llm.ungrouped_kv_bytes_per_token();
  }
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
  latency.finish();
}

PoolRole read_role(JsonReader& reader) {
  const std::string role = reader.name("role", "role", {"prompt", "token", "mixed"});
  return role == "prompt"  ? PoolRole::kPrompt
         : role == "token" ? PoolRole::kToken
                           : PoolRole::kMixed;
}

/// The machines of a pool: its own, or those of a pool before it.
void read_machines(JsonReader& reader, const std::vector<PoolSpec>& before, PoolSpec& pool) {
  if (!reader.has("shares_machines_of")) {
    pool.machine = load_machine(reader.text("machine"), reader.path_of("machine"));
    pool.count = static_cast<std::uint32_t>(reader.integer("count", 1, kMostMachines));
    for (const PoolSpec& other : before) {
      if (!other.shares_machines_of) pool.first_machine += other.count;
    }
    return;
  }
  const auto owner = static_cast<std::size_t>(reader.integer("shares_machines_of", 0, 1'000'000));
  if (owner >= before.size() || before[owner].shares_machines_of) {
    reader.fail("shares_machines_of",
                "expected the index of a pool before this one that has machines of its own");
  }
  for (const char* key : {"machine", "count", "price_per_hour"}) {
    if (reader.has(key)) {
      reader.fail(key, "not expected beside shares_machines_of: the machines are those of pools[" +
                           std::to_string(owner) + "]");
    }
  }
  pool.shares_machines_of = owner;
  pool.machine = before[owner].machine;
  pool.count = before[owner].count;
  pool.first_machine = before[owner].first_machine;
}

/// Divides the machines among the pools that share them, by the GPUs each uses.
void share_machines(std::vector<PoolSpec>& pools) {
  std::vector<std::uint32_t> used(pools.size());
  const auto owner_of = [&](std::size_t i) { return pools[i].shares_machines_of.value_or(i); };
  for (std::size_t i = 0; i < pools.size(); ++i) {
    const std::size_t owner = owner_of(i);
    const std::uint32_t left = pools[owner].machine.gpu_count - used[owner];
    if (pools[i].gpus_used() > left) {
      throw InputError("pools[" + std::to_string(i) + "].tensor_parallel: its instances take " +
                       std::to_string(pools[i].gpus_used()) + " GPUs, but pools[" +
                       std::to_string(owner) + "] leaves " + std::to_string(left) + " of " +
                       std::to_string(pools[owner].machine.gpu_count) +
                       " on a machine; give instances_per_machine for both");
    }
    used[owner] += pools[i].gpus_used();
  }
  for (std::size_t i = 0; i < pools.size(); ++i) {
    pools[i].machine_share = static_cast<double>(pools[i].gpus_used()) / used[owner_of(i)];
  }
}

/// Stages x GPUs of a stage, and how often that goes into the machine.
void read_parallelism(JsonReader& reader, PoolSpec& pool) {
  const auto count = [&](const char* key, std::int64_t most, std::int64_t otherwise) {
    return static_cast<std::uint32_t>(reader.integer(key, 1, most, otherwise));
  };
  const std::int64_t gpus = pool.machine.gpu_count;
  pool.pipeline_parallel = count("pipeline_parallel", gpus, 1);
  const std::int64_t per_stage = gpus / pool.pipeline_parallel;
  pool.data_parallel = count("data_parallel", per_stage, 1);
  const std::int64_t per_group = per_stage / pool.data_parallel;
  pool.tensor_parallel = count("tensor_parallel", per_group, per_group);
  const std::int64_t stage = pool.tensor_parallel * pool.data_parallel;
  pool.expert_parallel = count("expert_parallel", stage, pool.data_parallel > 1 ? stage : 1);
  if (stage % pool.expert_parallel != 0) {
    reader.fail("expert_parallel", "expected a divisor of the " + std::to_string(stage) +
                                       " GPUs of a stage, tensor_parallel x data_parallel");
  }
  const std::int64_t fitting = gpus / pool.gpus_per_instance();
  pool.instances_per_machine = count("instances_per_machine", fitting, fitting);
}

/// The bytes on each GPU of an instance that are not for KV caches.
GpuUse gpu_use(const PoolSpec& pool, const Llm& llm) {
  const std::uint32_t gpus = pool.gpus_per_instance();
  const double of_a_token =
      memory_need(llm, pool.tensor_parallel, pool.pipeline_parallel, 1).activations;
  constexpr double kLogitBytes = 4;
  return {pool.machine.gpu.memory_bytes,
          0,
          llm.stored_bytes(pool.data_parallel) / gpus,
          of_a_token / gpus * pool.data_parallel,
          kLogitBytes * llm.vocabulary / pool.tensor_parallel,
          gpus};
}

/// Tokens, in whole blocks, that an instance of the pool can hold beside its weights.
std::int64_t kv_tokens(const PoolSpec& pool, const Scenario& scenario,
                       const BatchingPolicy& policy) {
  const std::int64_t block = pool.kv.block_tokens;
  if (scenario.kv_cache.blocks) return static_cast<std::int64_t>(*scenario.kv_cache.blocks) * block;
  const Llm& llm = scenario.llm;
  GpuUse use = gpu_use(pool, llm);
  use.fraction = scenario.kv_cache.memory_fraction.value_or(policy.kv_defaults().memory_fraction);
  const double token_bytes = llm.kv_bytes_per_token * llm.kv_copies(pool.tensor_parallel);
  const double tokens = policy.kv_bytes(use) * use.gpus / token_bytes;
  return static_cast<std::int64_t>(std::max(0.0, tokens)) / block * block;
}

KvRoom kv_room(const PoolSpec& pool, const Scenario& scenario, const BatchingPolicy& policy) {
  PoolSpec spec = pool;
  const KvDefaults defaults = policy.kv_defaults();
  KvRoom& kv = spec.kv;
  kv.block_tokens = scenario.kv_cache.block_tokens.value_or(defaults.block_tokens);
  kv.capacity_tokens = kv_tokens(spec, scenario, policy);
  const double watermark = scenario.kv_cache.watermark.value_or(defaults.watermark);
  if (policy.memory({}) != nullptr) {
    const double blocks = static_cast<double>(kv.capacity_tokens / kv.block_tokens);
    kv.watermark_tokens = static_cast<std::int64_t>(watermark * blocks) * kv.block_tokens;
  } else {
    kv.watermark_tokens =
        static_cast<std::int64_t>(watermark * static_cast<double>(kv.capacity_tokens));
  }
  return kv;
}

/// An instance must hold its weights and at least one batch of prompts; where the engine's own
/// number of blocks is given, these.
void check_memory(JsonReader& reader, const PoolSpec& pool, const Scenario& scenario,
                  const BatchingPolicy& policy) {
  const Llm& llm = scenario.llm;
  if (scenario.kv_cache.blocks) {
    const double left_bytes = pool.memory_bytes() - llm.stored_bytes(pool.data_parallel);
    if (left_bytes < 0) {
      reader.fail("machine", "the weights of " + llm.name + " take " +
                                 gigabytes(llm.stored_bytes(pool.data_parallel)) +
                                 ", but the GPUs of an instance have " +
                                 gigabytes(pool.memory_bytes()));
    }
    return;
  }
  const double usual = policy.kv_defaults().memory_fraction;
  const std::string why_not =
      why_not_fit(llm, pool.machine, pool.tensor_parallel * pool.data_parallel,
                  pool.pipeline_parallel, pool.limits.max_tokens / pool.data_parallel,
                  scenario.kv_cache.memory_fraction.value_or(usual > 0 ? usual : 1));
  if (!why_not.empty()) reader.fail("machine", why_not);
  if (pool.kv.capacity_tokens < pool.kv.block_tokens) {
    reader.fail("machine", "beside the weights of " + llm.name +
                               ", activations and graphs its GPUs have no room for a block of " +
                               std::to_string(pool.kv.block_tokens) + " tokens");
  }
}

PoolSpec read_pool(JsonReader& reader, const std::vector<PoolSpec>& before,
                   const Scenario& scenario) {
  PoolSpec pool;
  pool.role = read_role(reader);
  read_machines(reader, before, pool);
  read_parallelism(reader, pool);
  if (scenario.llm.experts == 1) {
    if (reader.has("expert_parallel") && pool.expert_parallel > 1) {
      reader.fail("expert_parallel", scenario.llm.name + " has no experts");
    }
    pool.expert_parallel = 1;
  }
  pool.machine.price_per_hour =
      reader.number("price_per_hour", kNonNegative, pool.machine.price_per_hour);
  pool.machine.power_cap = reader.number("power_cap", {0.1, 1, false}, pool.machine.power_cap);
  reader.finish();
  const auto policy = scenario.batching.policy.make(pool.batching_site());
  pool.limits = policy->limits();
  pool.kv = kv_room(pool, scenario, *policy);
  check_memory(reader, pool, scenario, *policy);
  if (scenario.kv_cache.prefix_caching) {
    const std::string& name = scenario.batching.policy.name;
    if (!policy->memory({})) {
      throw InputError("kv_cache.prefix_caching: batching.policy \"" + name +
                       "\" has no blocks to share; expected vllm, sglang or trtllm");
    }
    if (scenario.llm.window_tokens > 0) {
      throw InputError("kv_cache.prefix_caching: " + scenario.llm.name +
                       " has layers with a sliding window, whose blocks cannot be shared here yet; "
                       "expected false");
    }
  }
  if (policy->memory({}) && pool.limits.max_tokens < pool.kv.block_tokens) {
    throw InputError("batching: an iteration of " + std::to_string(pool.limits.max_tokens) +
                     " tokens computes less than a block; expected at least "
                     "kv_cache.block_tokens, " +
                     std::to_string(pool.kv.block_tokens));
  }
  return pool;
}

/// Whether the pools together can serve requests, and be simulated.
void check_pools(const JsonReader& reader, const std::vector<PoolSpec>& pools) {
  const auto all = [&](PoolRole role) {
    return std::all_of(pools.begin(), pools.end(),
                       [&](const PoolSpec& pool) { return pool.role == role; });
  };
  if (all(PoolRole::kPrompt)) {
    reader.fail("pools", "none takes the token phase; expected one of role token or mixed, too");
  }
  if (all(PoolRole::kToken)) {
    reader.fail("pools", "none takes prompts; expected one of role prompt or mixed, too");
  }
  std::int64_t machines = 0;
  for (const PoolSpec& pool : pools) machines += pool.shares_machines_of ? 0 : pool.count;
  if (machines > kMostMachines) {
    reader.fail("pools", "have " + std::to_string(machines) + " machines; expected at most " +
                             std::to_string(kMostMachines));
  }
}

void read_pools(JsonReader& reader, Scenario& scenario) {
  for (JsonReader& pool : reader.objects("pools")) {
    scenario.pools.push_back(read_pool(pool, scenario.pools, scenario));
  }
  if (scenario.pools.empty()) reader.fail("pools", "expected at least one pool of machines");
  check_pools(reader, scenario.pools);
  share_machines(scenario.pools);
}

void check_priorities(const Scenario& scenario) {
  if (scenario.workload.priority_shares.empty()) return;
  if (scenario.batching.policy.make({})->by_priority()) return;
  throw InputError(
      "workload.priority_shares: nobody looks at priorities; expected batching.policy \"vllm\" "
      "with "
      "batching.scheduling_policy \"priority\"");
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

BatchingSpec read_batching(JsonReader reader) {
  BatchingSpec spec;
  spec.policy = BatchingPolicies::choose(reader, "policy", "batching policy");
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

FaultSpec read_fault(JsonReader& reader, std::uint32_t machines) {
  FaultSpec fault;
  fault.at_s = reader.number("at_s", {0, kLongestS, false});
  const std::string action =
      reader.name("action", "action", {"stop", "start", "drain", "slow", "scale_link"});
  if (action == "scale_link") {
    fault.action = FaultSpec::Action::kScaleLink;
    fault.link = reader.text("link");
    fault.amount = reader.number("share", {0, 1, false});
  } else {
    fault.machine = static_cast<std::uint32_t>(reader.integer("machine", 0, machines - 1));
    fault.action = action == "stop"    ? FaultSpec::Action::kStop
                   : action == "start" ? FaultSpec::Action::kStart
                   : action == "drain" ? FaultSpec::Action::kDrain
                                       : FaultSpec::Action::kSlow;
    if (action == "start") fault.amount = reader.number("load_s", {0, kLongestS, false}, 0);
    if (action == "slow") fault.amount = reader.number("factor", {0.01, 1e6, false});
  }
  reader.finish();
  return fault;
}

void read_faults(JsonReader& reader, Scenario& scenario) {
  std::uint32_t machines = 0;
  for (const PoolSpec& pool : scenario.pools) {
    if (!pool.shares_machines_of) machines += pool.count;
  }
  for (JsonReader& fault : reader.objects("faults")) {
    scenario.faults.push_back(read_fault(fault, machines));
  }
  std::stable_sort(scenario.faults.begin(), scenario.faults.end(),
                   [](const FaultSpec& a, const FaultSpec& b) { return a.at_s < b.at_s; });
}

Fabrics::Choice read_fabric(JsonReader reader) {
  Fabrics::Choice choice = Fabrics::choose(reader, "topology", "topology");
  reader.finish();
  return choice;
}

double read_power_budget(JsonReader& scenario) {
  if (!scenario.has("power")) return 0;
  JsonReader power = scenario.object("power");
  const double budget_w = power.number("budget_w", kPositive);
  power.finish();
  return budget_w;
}

}  // namespace

Scenario read_scenario(const Json& document) {
  Scenario scenario;
  scenario.document = document;
  JsonReader reader(scenario.document, "");
  read_llm(reader, scenario);
  JsonReader workload = reader.object("workload");
  scenario.workload = read_workload(workload);
  scenario.batching = read_batching(reader.object("batching"));
  scenario.batching.speculation.seed = scenario.workload.seed;
  if (!scenario.engine && scenario.batching.policy.name != "splitwise") {
    scenario.engine = load_engine(scenario.batching.policy.name, "batching.policy");
  }
  read_pools(reader, scenario);
  check_priorities(scenario);
  scenario.scheduler = read_scheduler(reader.object("scheduler"));
  scenario.kv_transfer = read_kv_transfer(reader.object("kv_transfer"));
  scenario.fabric = read_fabric(reader.object("fabric"));
  read_faults(reader, scenario);
  scenario.slo = read_slo(reader);
  scenario.power_budget_w = read_power_budget(reader);
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
