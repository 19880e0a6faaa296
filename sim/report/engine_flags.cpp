#include "sim/report/engine_flags.h"

#include <functional>
#include <map>

namespace cleave {

namespace {

/// Whose scheduler is simulated; vLLM where it is the paper's, which no engine has.
std::string engine_of(const Scenario& scenario) {
  const Json& document = scenario.document;
  for (const char* section : {"latency", "batching"}) {
    const Json named = document.value(section, Json::object())
                           .value(section == std::string("latency") ? "engine" : "policy", Json());
    for (const char* engine : {"vllm", "sglang", "trtllm"}) {
      if (named == engine) return engine;
    }
  }
  return "vllm";
}

bool engines_own_batching(const Scenario& scenario) {
  return scenario.batching.policy.name != "splitwise";
}

bool says(const Scenario& scenario, const char* setting, bool usual) {
  return scenario.document.at("batching").value(setting, usual);
}

void add(std::vector<std::string>& arguments, const std::string& flag, const std::string& value) {
  arguments.push_back(flag);
  arguments.push_back(value);
}
void add(std::vector<std::string>& arguments, const std::string& flag, double value) {
  add(arguments, flag, Json(value).dump());
}
void add(std::vector<std::string>& arguments, const std::string& flag, std::uint32_t value) {
  add(arguments, flag, std::to_string(value));
}

/// Of an instance's limit, what each data-parallel group has.
std::uint32_t of_group(const PoolSpec& pool, std::uint32_t limit) {
  return limit / pool.data_parallel;
}

/// Where the plan's memory fraction is not said, it is the engine's own default.
void vllm(const Scenario& scenario, const PoolSpec& pool, EngineFlags& flags) {
  auto& arguments = flags.arguments;
  add(arguments, "--tensor-parallel-size", pool.tensor_parallel);
  if (pool.pipeline_parallel > 1)
    add(arguments, "--pipeline-parallel-size", pool.pipeline_parallel);
  if (pool.data_parallel > 1) add(arguments, "--data-parallel-size", pool.data_parallel);
  if (pool.expert_parallel > 1) arguments.emplace_back("--enable-expert-parallel");
  if (engines_own_batching(scenario)) {
    add(arguments, "--max-num-seqs", of_group(pool, pool.limits.max_sequences));
    add(arguments, "--max-num-batched-tokens", of_group(pool, pool.limits.max_tokens));
    if (!says(scenario, "enable_chunked_prefill", true))
      arguments.emplace_back("--no-enable-chunked-prefill");
  }
  add(arguments, "--block-size", pool.kv.block_tokens);
  if (scenario.kv_cache.memory_fraction)
    add(arguments, "--gpu-memory-utilization", *scenario.kv_cache.memory_fraction);
  arguments.emplace_back(scenario.kv_cache.prefix_caching ? "--enable-prefix-caching"
                                                          : "--no-enable-prefix-caching");
  const std::uint32_t experts = pool.expert_parallel;
  if (experts > 1 && experts != pool.tensor_parallel * pool.data_parallel) {
    flags.notes.emplace_back("vLLM spreads experts over all GPUs of a stage, the plan over " +
                             std::to_string(experts) + " parts of them.");
  }
}

/// Its limits are of the whole instance, which divides them among the groups.
void sglang(const Scenario& scenario, const PoolSpec& pool, EngineFlags& flags) {
  auto& arguments = flags.arguments;
  add(arguments, "--tp-size", pool.tensor_parallel * pool.data_parallel);
  if (pool.pipeline_parallel > 1) add(arguments, "--pp-size", pool.pipeline_parallel);
  if (pool.data_parallel > 1) {
    add(arguments, "--dp-size", pool.data_parallel);
    arguments.emplace_back("--enable-dp-attention");
  }
  if (pool.expert_parallel > 1) add(arguments, "--ep-size", pool.expert_parallel);
  if (engines_own_batching(scenario)) {
    add(arguments, "--max-running-requests", pool.limits.max_sequences);
    add(arguments, "--chunked-prefill-size", pool.limits.max_tokens);
    const auto interval =
        scenario.document.at("batching").value("scheduler_recv_interval", std::uint32_t{1});
    if (interval > 1) add(arguments, "--scheduler-recv-interval", interval);
  }
  add(arguments, "--page-size", pool.kv.block_tokens);
  if (scenario.kv_cache.memory_fraction)
    add(arguments, "--mem-fraction-static", *scenario.kv_cache.memory_fraction);
  if (!scenario.kv_cache.prefix_caching) arguments.emplace_back("--disable-radix-cache");
}

void trtllm(const Scenario& scenario, const PoolSpec& pool, EngineFlags& flags) {
  const auto yes = [](bool value) { return std::string(value ? "true" : "false"); };
  const auto set = [&](const std::string& name, const std::string& value) {
    flags.settings.push_back(name + ": " + value);
  };
  const bool groups = pool.data_parallel > 1;
  set("backend", "pytorch");
  set("tensor_parallel_size", std::to_string(pool.tensor_parallel * pool.data_parallel));
  set("pipeline_parallel_size", std::to_string(pool.pipeline_parallel));
  set("moe_expert_parallel_size", std::to_string(pool.expert_parallel));
  set("enable_attention_dp", yes(groups));
  if (engines_own_batching(scenario)) {
    set("max_batch_size", std::to_string(of_group(pool, pool.limits.max_sequences)));
    set("max_num_tokens", std::to_string(of_group(pool, pool.limits.max_tokens)));
    set("enable_chunked_prefill", yes(says(scenario, "enable_chunked_context", false)));
  }
  flags.settings.emplace_back("kv_cache_config:");
  set("  tokens_per_block", std::to_string(pool.kv.block_tokens));
  set("  enable_block_reuse", yes(scenario.kv_cache.prefix_caching));
  if (scenario.kv_cache.memory_fraction)
    set("  free_gpu_memory_fraction", Json(*scenario.kv_cache.memory_fraction).dump());
  if (groups && pool.tensor_parallel > 1) {
    flags.notes.emplace_back("TensorRT-LLM's attention DP has a group on each GPU, the plan on " +
                             std::to_string(pool.tensor_parallel) + " GPUs.");
  }
}

/// The KV cache's format as each engine names it.
void add_kv_format(const Scenario& scenario, EngineFlags& flags) {
  static const std::map<std::string, std::string> fp8{
      {"vllm", "fp8"}, {"sglang", "fp8_e4m3"}, {"trtllm", "fp8"}};
  const Format format = scenario.llms.front().formats.kv_cache;
  if (format != Format::kFp16 && format != Format::kFp8) {
    flags.notes.emplace_back("The plan keeps the KV cache in " + format_name(format) +
                             ", which no flag here says.");
    return;
  }
  const std::string name = format == Format::kFp8 ? fp8.at(flags.engine) : "auto";
  if (flags.engine == "trtllm") {
    flags.settings.push_back("  dtype: " + name);
  } else {
    add(flags.arguments, "--kv-cache-dtype", name);
  }
}

void add_notes(const Scenario& scenario, EngineFlags& flags) {
  if (!engines_own_batching(scenario)) {
    flags.notes.emplace_back(
        "The plan batches as the paper does (splitwise), which no engine here does: limits of "
        "batches are left to the engine.");
  }
  const Format weights = scenario.llms.front().formats.weights;
  if (weights != Format::kFp16) {
    flags.notes.emplace_back("The plan keeps weights in " + format_name(weights) +
                             ": name a model that is stored so.");
  }
  if (scenario.batching.speculation.tokens > 0) {
    flags.notes.emplace_back("The plan decodes speculatively; who drafts tokens is left to you.");
  }
  if (scenario.kv_cache.blocks)
    flags.notes.emplace_back("The plan gives each instance " +
                             std::to_string(*scenario.kv_cache.blocks) +
                             " KV blocks; the engine finds its own number.");
  if (!scenario.kv_cache.tiers.empty())
    flags.notes.emplace_back("The plan's tiers behind GPU memory are left to you.");
}

}  // namespace

EngineFlags engine_flags(const Scenario& scenario, const PoolSpec& pool) {
  static const std::map<std::string,
                        std::function<void(const Scenario&, const PoolSpec&, EngineFlags&)>>
      engines{{"vllm", vllm}, {"sglang", sglang}, {"trtllm", trtllm}};
  EngineFlags flags{engine_of(scenario), {}, {}, {}};
  engines.at(flags.engine)(scenario, pool, flags);
  add_kv_format(scenario, flags);
  add_notes(scenario, flags);
  return flags;
}

}  // namespace cleave
