#include "models/memory_need.h"

#include <array>
#include <cstdio>
#include <optional>
#include <vector>

#include "sim/base/builtin.h"

namespace cleave {

namespace {

constexpr double kActivationBytes = 2;

std::string gb(double bytes) {
  std::array<char, 32> text{};
  const double size = bytes / 1e9;
  std::snprintf(text.data(), text.size(), size < 100 ? "%.3g GB" : "%.0f GB", size);
  return text.data();
}

bool fits(const Llm& llm, const Gpu& gpu, std::uint32_t tensor_parallel,
          std::uint32_t pipeline_parallel, double tokens) {
  return memory_need(llm, tensor_parallel, pipeline_parallel, tokens).total() <=
         gpu.memory_bytes * tensor_parallel * pipeline_parallel;
}

/// More of the machine's GPUs for an instance.
void try_degrees(const Llm& llm, const Machine& machine, std::uint32_t tensor_parallel,
                 std::uint32_t pipeline_parallel, double tokens, std::vector<std::string>& ways) {
  for (std::uint32_t more = tensor_parallel * 2; more * pipeline_parallel <= machine.gpu_count;
       more *= 2) {
    if (!fits(llm, machine.gpu, more, pipeline_parallel, tokens)) continue;
    ways.push_back("tensor_parallel " + std::to_string(more));
    break;
  }
  for (std::uint32_t more = pipeline_parallel * 2; tensor_parallel * more <= machine.gpu_count;
       more *= 2) {
    if (!fits(llm, machine.gpu, tensor_parallel, more, tokens)) continue;
    ways.push_back("pipeline_parallel " + std::to_string(more));
    break;
  }
}

void try_formats(Llm llm, const Machine& machine, std::uint32_t tensor_parallel,
                 std::uint32_t pipeline_parallel, double tokens, std::vector<std::string>& ways) {
  const double weight_bytes = llm.weight_bytes;
  for (const Format format : {Format::kInt8, Format::kInt4}) {
    llm.weight_bytes = llm.parameters * bytes_each(format);
    if (llm.weight_bytes >= weight_bytes ||
        !fits(llm, machine.gpu, tensor_parallel, pipeline_parallel, tokens)) {
      continue;
    }
    ways.push_back("weights.format " + format_name(format) + " (weights " + gb(llm.weight_bytes) +
                   ")");
  }
}

/// The GPU with the least memory that is enough.
void try_gpus(const Llm& llm, std::uint32_t tensor_parallel, std::uint32_t pipeline_parallel,
              double tokens, std::vector<std::string>& ways) {
  std::optional<Gpu> least;
  for (const std::string& name : builtin_names("profiles/gpus")) {
    const Gpu gpu = load_gpu(name, "gpu");
    if (!fits(llm, gpu, tensor_parallel, pipeline_parallel, tokens)) continue;
    if (!least || gpu.memory_bytes < least->memory_bytes) least = gpu;
  }
  if (!least) return;
  ways.push_back("GPUs of " + gb(least->memory_bytes) + " such as " + least->name);
}

std::string joined(const std::vector<std::string>& ways) {
  std::string text;
  for (std::size_t i = 0; i < ways.size(); ++i) {
    text += (i == 0 ? "" : i + 1 < ways.size() ? ", " : " or ") + ways[i];
  }
  return text;
}

}  // namespace

MemoryNeed memory_need(const Llm& llm, std::uint32_t tensor_parallel,
                       std::uint32_t pipeline_parallel, double tokens) {
  constexpr double kResidualAndAttention = 4;
  const double values = kResidualAndAttention * llm.hidden_size * tensor_parallel +
                        1.0 * llm.mlp_matrices * llm.mlp_size * llm.experts_per_token;
  return {llm.weight_bytes, llm.kv_bytes_per_token * llm.kv_copies(tensor_parallel) * tokens,
          tokens * values * kActivationBytes * pipeline_parallel};
}

std::string why_not_fit(const Llm& llm, const Machine& machine, std::uint32_t tensor_parallel,
                        std::uint32_t pipeline_parallel, double tokens) {
  if (fits(llm, machine.gpu, tensor_parallel, pipeline_parallel, tokens)) return "";
  const MemoryNeed need = memory_need(llm, tensor_parallel, pipeline_parallel, tokens);
  const std::uint32_t gpus = tensor_parallel * pipeline_parallel;
  const double have = machine.gpu.memory_bytes * gpus;
  std::vector<std::string> ways;
  try_degrees(llm, machine, tensor_parallel, pipeline_parallel, tokens, ways);
  try_formats(llm, machine, tensor_parallel, pipeline_parallel, tokens, ways);
  try_gpus(llm, tensor_parallel, pipeline_parallel, tokens, ways);
  return llm.name + " does not fit: its weights in " + format_name(llm.weight_format) + " take " +
         gb(need.weights) + ", the KV cache of a request of " +
         std::to_string(static_cast<long>(tokens)) + " tokens " + gb(need.kv_cache) +
         " and activations " + gb(need.activations) + ", but " + std::to_string(gpus) + " x " +
         machine.gpu.name + " have " + gb(have) + ", " + gb(need.total() - have) + " too little" +
         (ways.empty() ? "; nothing in the catalogue makes it fit"
                       : "; it would fit with " + joined(ways));
}

}  // namespace cleave
