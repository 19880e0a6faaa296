#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/json_reader.h"

namespace cleave {

/// What a serving engine costs beside the kernels that move bytes and multiply; in no table of
/// operators, and so fitted to whole runs.
struct HostCosts {
  double layer_s = 0;         ///< each layer: norms, rotations, choosing experts
  double linear_layer_s = 0;  ///< beside, each layer with linear attention: convolution, gates
  double sparse_layer_s = 0;  ///< beside, each layer whose attention asks an index
  /// What is left of the time that each call of a kernel costs when measured alone, as a share:
  /// captured in a graph, and one behind the other, they cost less.
  double kernel_calls = 0;
  double step_s = 0;      ///< each iteration: scheduling, sampling
  double sequence_s = 0;  ///< each sequence of an iteration, and each prompt
  double prompt_s = 0;    ///< an iteration with prompts
  /// An iteration with prompts is launched kernel by kernel, which takes so long a layer; it takes
  /// that at least. Beside: with experts, with latent, and with linear attention.
  double launch_layer_s = 0;
  double launch_moe_layer_s = 0;
  double launch_mla_layer_s = 0;
  double launch_linear_layer_s = 0;
  double frontend_s = 0;  ///< from a request's arrival until the engine sees it, and back
};

/// How near this engine's kernels come to the data sheet beside those of the tables, as a factor of
/// their efficiencies: of bytes moved, and of products.
struct KernelFactors {
  double memory = 1;
  double compute = 1;
};

/// A cost that a profile has, and a fit finds.
struct HostField {
  const char* key;  ///< in the file
  const char* meaning;
  double HostCosts::*value;
  double unit = 1e-6;
};
const std::vector<HostField>& host_fields();

/// How far predictions with this profile are from measurements, as fractions.
struct EngineError {
  std::string what;  ///< "all", "gpu h200, from the others"
  std::uint64_t rows = 0;
  double tpot = 0;  ///< median absolute
  double ttft = 0;
};

/// A serving engine: profiles/engines/*.json, or a file of one's own.
struct EngineProfile {
  std::string name;
  std::string source;
  std::string versions;  ///< that it was fitted to
  std::string kernels;   ///< whose operator tables hold: "vllm", "sglang", "trtllm"
  KernelFactors factors;
  HostCosts host;
  Json scenario;  ///< the engine's scheduler, as settings of a scenario
  std::vector<EngineError> errors;
  /// Iterations as the roofline fitted to 2023's software has them: no step model.
  bool roofline = false;
};

/// Median errors of TPOT and TTFT that an LLM on a GPU can be expected to have: where both were
/// among what the engine was fitted to, those of all of it; else the largest of those that were
/// left out in the same way, 30 runs and more. In words; "" where the profile has no errors.
std::string how_sure(const EngineProfile& engine, const std::string& llm, const std::string& gpu);

/// `name` is a built-in one, or a file ending in ".json". Throws InputError naming `place`.
EngineProfile load_engine(const std::string& name, const std::string& place);
EngineProfile read_engine(const Json& json, const std::string& name);
Json engine_json(const EngineProfile& profile);

}  // namespace cleave
