#include "models/hardware.h"

#include <filesystem>

namespace cleave {

namespace {

constexpr double kGib = 1024.0 * 1024 * 1024;
constexpr double kGiga = 1e9;
constexpr double kFp16Bytes = 2;

/// What every profile says of itself.
void read_origin(JsonReader& reader) {
  reader.text("summary", "");
  reader.text("source", "");
  reader.text("date", "");
}

/// "files/rtx-4090.json" is rtx-4090.
std::string short_name(const std::string& name) {
  return name.ends_with(".json") ? std::filesystem::path(name).stem().string() : name;
}

std::uint32_t whole(JsonReader& reader, std::string_view key, std::int64_t most) {
  return static_cast<std::uint32_t>(reader.integer(key, 1, most));
}

}  // namespace

Llm load_llm(const std::string& name, const std::string& place) {
  const Json json = load_profile("profiles/llms", "LLM", name, place);
  JsonReader reader(json, name);
  Llm llm;
  llm.name = short_name(name);
  read_origin(reader);
  llm.layers = whole(reader, "layers", 10'000);
  llm.hidden_size = whole(reader, "hidden_size", 1'000'000);
  llm.attention_heads = whole(reader, "attention_heads", 100'000);
  llm.kv_heads = whole(reader, "kv_heads", llm.attention_heads);
  llm.head_size = static_cast<std::uint32_t>(
      reader.integer("head_size", 1, 100'000, llm.hidden_size / llm.attention_heads));
  llm.mlp_size = whole(reader, "mlp_size", 10'000'000);
  llm.mlp_matrices = static_cast<std::uint32_t>(reader.integer("mlp_matrices", 2, 3));
  llm.vocabulary = whole(reader, "vocabulary", 100'000'000);
  llm.parameters = reader.number("parameters", kPositive);
  llm.published_weight_bytes = reader.number("published_weight_bytes", kPositive, 0);
  reader.finish();
  llm.weight_bytes = llm.parameters * kFp16Bytes;
  llm.kv_bytes_per_token = 2.0 * llm.kv_heads * llm.head_size * llm.layers * kFp16Bytes;
  return llm;
}

Gpu load_gpu(const std::string& name, const std::string& place) {
  const Json json = load_profile("profiles/gpus", "GPU", name, place);
  JsonReader reader(json, name);
  Gpu gpu;
  gpu.name = short_name(name);
  read_origin(reader);
  gpu.memory_bytes = reader.number("memory_gib", kPositive) * kGib;
  reader.text("memory_kind", "");
  gpu.memory_bandwidth_bps = reader.number("memory_gb_per_s", kPositive) * kGiga;
  gpu.fp16_flops = reader.number("fp16_tflops", kPositive) * 1e12;
  reader.number("fp8_tflops", kPositive, 0);
  reader.number("int8_tops", kPositive, 0);
  gpu.tdp_w = reader.number("tdp_w", kPositive);
  gpu.idle_w = reader.number("idle_w", {0, gpu.tdp_w, false});
  reader.text("link", "");
  gpu.link_bps = reader.number("link_gb_per_s", kPositive) * kGiga;
  reader.finish();
  return gpu;
}

Machine load_machine(const std::string& name, const std::string& place) {
  const Json json = load_profile("profiles/machines", "machine", name, place);
  JsonReader reader(json, name);
  Machine machine;
  machine.name = name;
  read_origin(reader);
  machine.gpu = load_gpu(reader.text("gpu"), reader.path_of("gpu"));
  machine.gpu_count = whole(reader, "gpu_count", 1024);
  machine.nic_count = whole(reader, "nic_count", 1024);
  machine.nic_bps = reader.number("nic_gbps", kPositive) * kGiga / 8;
  machine.power_cap = reader.number("power_cap", {0.1, 1, false}, 1);
  machine.max_w = reader.number("max_w", {machine.gpu.tdp_w * machine.gpu_count, 1e9, false});
  machine.provisioned_w = reader.number("provisioned_w", kPositive, machine.max_w);
  machine.price_per_hour = reader.number("price_per_hour", kNonNegative);
  machine.kv_sync_s = reader.number("kv_sync_s", {0, 10, false});
  reader.finish();
  return machine;
}

}  // namespace cleave
