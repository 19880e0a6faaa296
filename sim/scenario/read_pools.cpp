#include "sim/scenario/read_pools.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "models/catalogue/memory_need.h"
#include "models/catalogue/prices.h"
#include "models/latency/instance_model.h"
#include "sim/base/error.h"
#include "sim/base/reference.h"
#include "sim/scenario/kv_tiers.h"
#include "sim/scenario/llms.h"

namespace cleave {

namespace {

constexpr std::int64_t kMostMachines = 100'000;  // of all pools

const Setting kRole{"role",
                    nullptr,
                    "",
                    "phases that its instances take",
                    {.names = {"prompt", "token", "mixed"},
                     .synonyms = {{"prefill", "prompt"}, {"decode", "token"}}}};
const Setting kMachine{"machine", nullptr, "", "cleave list machines",
                       words("a name or a .json file")};
const Setting kCount{"count", nullptr, "machines", "in the pool", whole(1, kMostMachines)};
const Setting kShares{"shares_machines_of", nullptr, "",
                      "a pool before it, on whose machines' other GPUs it runs; no machine, count "
                      "and price then",
                      whole(0, 1'000'000)};
const Setting kBorrows{"borrows_machines_of", nullptr, "",
                       "a pool before it, whose machines it has while that has them off; no "
                       "machine, count and price then",
                       whole(0, 1'000'000)};
const Setting kKvBlocks{"kv_blocks", nullptr, "blocks",
                        "of an instance, as its engine says at its start; those of kv_cache",
                        whole(1, 1'000'000'000)};
const Accepts kDegree = words("a whole number, as far as the machine has GPUs");
const Setting kPipeline{"pipeline_parallel", 1, "stages", "of an instance", kDegree};
const Setting kData{"data_parallel", 1, "groups", "of GPUs with sequences of their own in a stage",
                    kDegree};
const Setting kTensor{"tensor_parallel", nullptr, "GPUs",
                      "that share each layer; all of the machine that are left", kDegree};
const Setting kExpert{"expert_parallel", nullptr, "",
                      "parts of a stage's GPUs with experts of their own; 1, or all of its GPUs "
                      "where data_parallel is above 1",
                      kDegree};
const Setting kInstances{"instances_per_machine", nullptr, "instances",
                         "as many as it has GPUs for", kDegree};
const Setting kPrice{"price_per_hour", nullptr, "$/h", "of a machine; its profile's, or of prices",
                     in(kNonNegative)};
const Setting kOffPrice{"off_price_per_hour", 0, "$/h", "of a machine that is off",
                        in(kNonNegative)};
const Setting kMinCount{"min_count", nullptr, "machines", "that scaling leaves on; 1",
                        words("a whole number from 0 to count")};
const Setting kStartCount{"start_count", nullptr, "machines", "on at the start, scaled; all",
                          words("a whole number from min_count to count")};
const Setting kPowerCap{"power_cap", nullptr, "of TDP", "of its GPUs; the machine's own",
                        over_time({0.1, 1, false})};
const Reference::Entry kEntry{{"scenario",
                               "pools[]",
                               "The machines: pools of like ones, each with a role.",
                               {kRole, kMachine, kCount, kShares, kBorrows, kPoolLlm, kPoolWeights,
                                kPoolKvFormat, kKvBlocks, kTensor, kPipeline, kData, kExpert,
                                kInstances, kPrice, kOffPrice, kMinCount, kStartCount, kPowerCap}}};

PoolRole read_role(JsonReader& reader) {
  const std::string role = kRole.choice(reader, "role");
  return role == "prompt"  ? PoolRole::kPrompt
         : role == "token" ? PoolRole::kToken
                           : PoolRole::kMixed;
}

/// The machines of a pool: its own, or those of a pool before it.
void read_machines(JsonReader& reader, const std::vector<PoolSpec>& before, PoolSpec& pool) {
  const bool shares = kShares.given(reader);
  const Setting& key = shares ? kShares : kBorrows;
  if (shares && kBorrows.given(reader)) {
    reader.fail(kBorrows.name, "contradicts shares_machines_of; expected one of them");
  }
  if (!key.given(reader)) {
    pool.machine = load_machine(kMachine.text(reader), reader.path_of(kMachine.name));
    pool.count = kCount.count(reader);
    for (const PoolSpec& other : before) {
      if (other.has_own_machines()) pool.first_machine += other.count;
    }
    return;
  }
  const auto owner = static_cast<std::size_t>(key.integer(reader));
  if (owner >= before.size() || !before[owner].has_own_machines()) {
    reader.fail(key.name,
                "expected the index of a pool before this one that has machines of its own");
  }
  for (const std::string of_machines :
       {"machine", "count", "price_per_hour", "off_price_per_hour"}) {
    if (shares && of_machines == "off_price_per_hour") continue;
    if (reader.has(of_machines)) {
      reader.fail(of_machines, "not expected beside " + key.name +
                                   ": the machines are those of pools[" + std::to_string(owner) +
                                   "]");
    }
  }
  (shares ? pool.shares_machines_of : pool.borrows_machines_of) = owner;
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
    if (pools[i].borrows_machines_of) continue;
    const std::uint32_t left = pools[owner].machine.gpu_count - used[owner];
    if (pools[i].gpus_used() > left) {
      throw InputError("pools[" + std::to_string(i) + "].tensor_parallel: its instances take " +
                       std::to_string(pools[i].gpus_used()) + " GPUs, but pools[" +
                       std::to_string(owner) + "] leaves " + std::to_string(left) + " of " +
                       std::to_string(pools[owner].machine.gpu_count) +
                       " on a machine; give instances_per_machine for both");
    }
    pools[i].first_gpu = used[owner];
    used[owner] += pools[i].gpus_used();
  }
  for (std::size_t i = 0; i < pools.size(); ++i) {
    if (pools[i].borrows_machines_of) continue;
    pools[i].machine_share = static_cast<double>(pools[i].gpus_used()) / used[owner_of(i)];
  }
}

/// Stages x GPUs of a stage, and how often that goes into the machine.
void read_parallelism(JsonReader& reader, PoolSpec& pool) {
  const auto count = [&](const Setting& degree, std::int64_t most, std::int64_t otherwise) {
    return static_cast<std::uint32_t>(reader.integer(degree.name, 1, most, otherwise));
  };
  const std::int64_t gpus = pool.machine.gpu_count;
  pool.pipeline_parallel = count(kPipeline, gpus, 1);
  const std::int64_t per_stage = gpus / pool.pipeline_parallel;
  pool.data_parallel = count(kData, per_stage, 1);
  const std::int64_t per_group = per_stage / pool.data_parallel;
  pool.tensor_parallel = count(kTensor, per_group, per_group);
  const std::int64_t stage = pool.tensor_parallel * pool.data_parallel;
  pool.expert_parallel = count(kExpert, stage, pool.data_parallel > 1 ? stage : 1);
  if (stage % pool.expert_parallel != 0) {
    reader.fail("expert_parallel", "expected a divisor of the " + std::to_string(stage) +
                                       " GPUs of a stage, tensor_parallel x data_parallel");
  }
  const std::int64_t fitting = gpus / pool.gpus_per_instance();
  pool.instances_per_machine = count(kInstances, fitting, fitting);
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
          gpus,
          pool.data_parallel};
}

/// Tokens, in whole blocks, that an instance of the pool can hold beside its weights.
std::int64_t kv_tokens(const PoolSpec& pool, const Scenario& scenario,
                       const BatchingPolicy& policy) {
  const std::int64_t block = pool.kv.block_tokens;
  if (pool.kv_blocks) return static_cast<std::int64_t>(*pool.kv_blocks) * block;
  const Llm& llm = scenario.llm_of(pool);
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
  const double state_blocks =
      scenario.llm_of(pool).state_tokens(pool.tensor_parallel) / kv.block_tokens;
  constexpr double kMostBlocks = 1e6;  // more than any GPU holds
  kv.state_tokens =
      static_cast<std::uint32_t>(std::ceil(std::min(state_blocks, kMostBlocks))) * kv.block_tokens;
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
  const Llm& llm = scenario.llm_of(pool);
  if (pool.kv_blocks) {
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
  if (pool.kv.capacity_tokens < pool.kv.block_tokens + pool.kv.state_tokens) {
    reader.fail("machine",
                "beside the weights of " + llm.name +
                    ", activations and graphs its GPUs have no room for a block of " +
                    std::to_string(pool.kv.block_tokens) + " tokens" +
                    (pool.kv.state_tokens > 0 ? " and a state of linear attention" : ""));
  }
}

/// Of its steps, of which those of a day come again and again.
double highest(const TimedValues& values) {
  constexpr int kMostSteps = 10'000;
  double most = values.at(0);
  double time_s = values.next_s(0);
  for (int step = 0; step < kMostSteps && std::isfinite(time_s); ++step) {
    most = std::max(most, values.at(time_s));
    time_s = values.next_s(time_s);
  }
  return most;
}

/// How many of its machines are on, where a policy decides on that.
void read_sizes(JsonReader& reader, const ScalingSpec& scaling, PoolSpec& pool) {
  for (const Setting* size : {&kMinCount, &kStartCount}) {
    if (size->given(reader) && !scaling.on()) {
      reader.fail(size->name, "has no meaning without scaling.policy: all machines are on");
    }
  }
  if (pool.borrows_machines_of) {
    if (!scaling.on()) {
      reader.fail(kBorrows.name,
                  "has no meaning without scaling.policy, by which that pool turns machines off");
    }
    for (const Setting* size : {&kMinCount, &kStartCount}) {
      if (size->given(reader)) {
        reader.fail(size->name,
                    "not expected beside borrows_machines_of: whose machines they are comes "
                    "first");
      }
    }
    return;
  }
  pool.least_on = static_cast<std::uint32_t>(
      reader.integer(kMinCount.name, 0, pool.count, scaling.on() ? 1 : pool.count));
  pool.on_at_start = static_cast<std::uint32_t>(
      reader.integer(kStartCount.name, pool.least_on, pool.count, pool.count));
}

PoolSpec read_pool(JsonReader& reader, const std::optional<PriceList>& prices, Scenario& scenario) {
  PoolSpec pool;
  pool.role = read_role(reader);
  read_machines(reader, scenario.pools, pool);
  read_parallelism(reader, pool);
  pool.llm = read_pool_llm(reader, scenario);
  const Llm& llm = scenario.llm_of(pool);
  if (llm.experts == 1) {
    if (reader.has("expert_parallel") && pool.expert_parallel > 1) {
      reader.fail("expert_parallel", llm.name + " has no experts");
    }
    pool.expert_parallel = 1;
  }
  pool.kv_blocks = kKvBlocks.optional_count<std::uint64_t>(reader);
  if (!pool.kv_blocks) pool.kv_blocks = scenario.kv_cache.blocks;
  if (prices && pool.has_own_machines()) pool.machine.price_per_hour = prices->of(pool.machine);
  pool.machine.price_per_hour =
      kPrice.optional_number(reader).value_or(pool.machine.price_per_hour);
  pool.off_price_per_hour = kOffPrice.number(reader);
  read_sizes(reader, scenario.scaling, pool);
  const bool varies = kPowerCap.given(reader) && !reader.value(kPowerCap.name).is_number();
  if (varies) {
    pool.power_caps = read_timed_values(reader, kPowerCap, 1);
    pool.machine.power_cap = highest(*pool.power_caps);
  } else {
    pool.machine.power_cap = kPowerCap.optional_number(reader).value_or(pool.machine.power_cap);
  }
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
    if (llm.window_tokens > 0) {
      throw InputError("kv_cache.prefix_caching: " + llm.name +
                       " has layers with a sliding window, whose blocks cannot be shared here yet; "
                       "expected false");
    }
    if (llm.linear_layers > 0) {
      throw InputError("kv_cache.prefix_caching: " + llm.name +
                       " has layers with linear attention, whose states cannot be shared here yet; "
                       "expected false");
    }
  }
  if (policy->memory({}) && pool.limits.max_tokens < pool.kv.block_tokens) {
    throw InputError("batching: an iteration of " + std::to_string(pool.limits.max_tokens) +
                     " tokens computes less than a block; expected at least "
                     "kv_cache.block_tokens, " +
                     std::to_string(pool.kv.block_tokens));
  }
  pool.tiers = tier_rooms(scenario.kv_cache.tiers, pool, llm);
  return pool;
}

/// Whether the pools of each LLM can serve its requests, and all be simulated.
void check_pools(const JsonReader& reader, const Scenario& scenario) {
  const std::vector<PoolSpec>& pools = scenario.pools;
  for (std::size_t llm = 0; llm < scenario.llms.size(); ++llm) {
    const auto all = [&](PoolRole role) {
      return std::all_of(pools.begin(), pools.end(), [&](const PoolSpec& pool) {
        return pool.llm != llm || pool.role == role;
      });
    };
    const std::string of_llm = scenario.llms.size() > 1 ? " of " + scenario.llms[llm].name : "";
    if (all(PoolRole::kPrompt)) {
      reader.fail("pools", "none" + of_llm +
                               " takes the token phase; expected one of role token or mixed, too");
    }
    if (all(PoolRole::kToken)) {
      reader.fail("pools",
                  "none" + of_llm + " takes prompts; expected one of role prompt or mixed, too");
    }
  }
  std::int64_t machines = 0;
  for (const PoolSpec& pool : pools) machines += pool.has_own_machines() ? pool.count : 0;
  if (machines > kMostMachines) {
    reader.fail("pools", "have " + std::to_string(machines) + " machines; expected at most " +
                             std::to_string(kMostMachines));
  }
}

}  // namespace

void read_pools(JsonReader& reader, Scenario& scenario) {
  std::optional<PriceList> prices;
  if (reader.has("prices")) prices = load_prices(reader.text("prices"), reader.path_of("prices"));
  for (JsonReader& pool : reader.objects("pools")) {
    scenario.pools.push_back(read_pool(pool, prices, scenario));
  }
  if (scenario.pools.empty()) reader.fail("pools", "expected at least one pool of machines");
  check_pools(reader, scenario);
  share_machines(scenario.pools);
}

}  // namespace cleave
