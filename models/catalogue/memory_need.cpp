#include "models/catalogue/memory_need.h"

#include <array>
#include <cstdio>
#include <optional>
#include <vector>

#include "sim/base/builtin.h"

namespace cleave {

namespace {

constexpr double kActivationBytes = 2;

/// What is to be placed: an LLM that serves requests of so many tokens from a part of the memory.
struct Tenant {
  Llm llm;
  double tokens;
  double memory_fraction;

  bool fits(const Gpu& gpu, std::uint32_t tensor_parallel, std::uint32_t pipeline_parallel) const {
    return memory_need(llm, tensor_parallel, pipeline_parallel, tokens).total() <=
           gpu.memory_bytes * tensor_parallel * pipeline_parallel * memory_fraction;
  }
};

/// More of the machine's GPUs for an instance.
void try_degrees(const Tenant& tenant, const Machine& machine, std::uint32_t tensor_parallel,
                 std::uint32_t pipeline_parallel, std::vector<std::string>& ways) {
  for (std::uint32_t more = tensor_parallel * 2; more * pipeline_parallel <= machine.gpu_count;
       more *= 2) {
    if (!tenant.fits(machine.gpu, more, pipeline_parallel)) continue;
    ways.push_back("tensor_parallel " + std::to_string(more));
    break;
  }
  for (std::uint32_t more = pipeline_parallel * 2; tensor_parallel * more <= machine.gpu_count;
       more *= 2) {
    if (!tenant.fits(machine.gpu, tensor_parallel, more)) continue;
    ways.push_back("pipeline_parallel " + std::to_string(more));
    break;
  }
}

void try_formats(Tenant tenant, const Machine& machine, std::uint32_t tensor_parallel,
                 std::uint32_t pipeline_parallel, std::vector<std::string>& ways) {
  Llm& llm = tenant.llm;
  const double weight_bytes = llm.weight_bytes;
  const double kv_bytes_per_token = llm.kv_bytes_per_token;
  for (const Format format : {Format::kInt8, Format::kInt4}) {
    llm.store({format, llm.formats.kv_cache});
    llm.kv_bytes_per_token = kv_bytes_per_token;
    if (llm.weight_bytes >= weight_bytes ||
        !tenant.fits(machine.gpu, tensor_parallel, pipeline_parallel)) {
      continue;
    }
    ways.push_back("weights.format " + format_name(format) + " (weights " +
                   gigabytes(llm.weight_bytes) + ")");
  }
}

/// The GPU with the least memory that is enough.
void try_gpus(const Tenant& tenant, std::uint32_t tensor_parallel, std::uint32_t pipeline_parallel,
              std::vector<std::string>& ways) {
  std::optional<Gpu> least;
  for (const std::string& name : builtin_names("profiles/gpus")) {
    const Gpu gpu = load_gpu(name, "gpu");
    if (!tenant.fits(gpu, tensor_parallel, pipeline_parallel)) continue;
    if (!least || gpu.memory_bytes < least->memory_bytes) least = gpu;
  }
  if (!least) return;
  ways.push_back("GPUs of " + gigabytes(least->memory_bytes) + " such as " + least->name);
}

std::string joined(const std::vector<std::string>& ways) {
  std::string text;
  for (std::size_t i = 0; i < ways.size(); ++i) {
    text += (i == 0 ? "" : i + 1 < ways.size() ? ", " : " or ") + ways[i];
  }
  return text;
}

}  // namespace

std::string gigabytes(double bytes) {
  std::array<char, 32> text{};
  const double size = bytes / 1e9;
  std::snprintf(text.data(), text.size(), size < 100 ? "%.3g GB" : "%.0f GB", size);
  return text.data();
}

MemoryNeed memory_need(const Llm& llm, std::uint32_t tensor_parallel,
                       std::uint32_t pipeline_parallel, double tokens) {
  constexpr double kResidualAndAttention = 4;
  const double values = kResidualAndAttention * llm.hidden_size * tensor_parallel +
                        1.0 * llm.mlp_matrices * llm.mlp_size * llm.experts_per_token;
  return {llm.weight_bytes,
          llm.kv_bytes_per_token * llm.kv_copies(tensor_parallel) * tokens + llm.kv_state_bytes,
          tokens * values * kActivationBytes * pipeline_parallel};
}

std::string why_not_fit(const Llm& llm, const Machine& machine, std::uint32_t tensor_parallel,
                        std::uint32_t pipeline_parallel, double tokens, double memory_fraction) {
  const Tenant tenant{llm, tokens, memory_fraction};
  if (tenant.fits(machine.gpu, tensor_parallel, pipeline_parallel)) return "";
  const MemoryNeed need = memory_need(llm, tensor_parallel, pipeline_parallel, tokens);
  const std::uint32_t gpus = tensor_parallel * pipeline_parallel;
  const double all = machine.gpu.memory_bytes * gpus;
  const double have = all * memory_fraction;
  std::vector<std::string> ways;
  try_degrees(tenant, machine, tensor_parallel, pipeline_parallel, ways);
  try_formats(tenant, machine, tensor_parallel, pipeline_parallel, ways);
  try_gpus(tenant, tensor_parallel, pipeline_parallel, ways);
  return llm.name + " does not fit: its weights in " + format_name(llm.formats.weights) + " take " +
         gigabytes(need.weights) + ", the KV cache of a request of " +
         std::to_string(static_cast<long>(tokens)) + " tokens " + gigabytes(need.kv_cache) +
         " and activations " + gigabytes(need.activations) + ", but " + std::to_string(gpus) +
         " x " + machine.gpu.name + " have " + gigabytes(have) +
         (have < all ? " of " + gigabytes(all) + " for them (kv_cache.memory_fraction)" : "") +
         ", " + gigabytes(need.total() - have) + " too little" +
         (ways.empty() ? "; nothing in the catalogue makes it fit"
                       : "; it would fit with " + joined(ways));
}

}  // namespace cleave
