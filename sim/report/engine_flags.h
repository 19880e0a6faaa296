#pragma once

#include <string>
#include <vector>

#include "sim/scenario/scenario.h"

namespace cleave {

/// What a worker of an engine is started for.
enum class WorkerRole : std::uint8_t { kPrefill, kDecode, kBoth };

/// An engine that deployments know, and how its workers are told what a plan counts on: their
/// parallelism, limits of batches, and KV cache.
struct EngineFlags {
  std::string engine;  ///< "vllm", "sglang", "trtllm"
  /// Flags of its command line; a value is an argument of its own.
  std::vector<std::string> arguments;
  /// Lines of its configuration file (YAML), where it takes these in one; else empty.
  std::vector<std::string> settings;
  /// What the plan counts on and these do not say, a sentence each.
  std::vector<std::string> notes;
};

/// Of a pool of `scenario`. Flags are those of the engines' own documentation: docs.vllm.ai (engine
/// arguments), docs.sglang.io (server arguments), nvidia.github.io/TensorRT-LLM (LLM arguments).
EngineFlags engine_flags(const Scenario& scenario, const PoolSpec& pool);

}  // namespace cleave
