#include "models/fit/operator_rows.h"

#include <cmath>
#include <map>

namespace cleave {

namespace {

/// By the names of aiconfigurator.
std::optional<Format> format_of_type(const std::string& type) {
  static const std::map<std::string, Format> known{{"bfloat16", Format::kFp16},
                                                   {"float16", Format::kFp16},
                                                   {"half", Format::kFp16},
                                                   {"fp8", Format::kFp8},
                                                   {"nvfp4", Format::kNvfp4},
                                                   {"int8_wo", Format::kInt8},
                                                   {"int4_wo", Format::kInt4},
                                                   {"w4a16_mxfp4", Format::kMxfp4},
                                                   {"w4a8_mxfp4_mxfp8", Format::kMxfp4}};
  const auto found = known.find(type);
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

std::optional<KernelRow> gemm(const CsvTable& table, std::size_t row, const Gpu& gpu) {
  const auto format = format_of_type(table.text(row, "gemm_dtype"));
  const double m = table.number(row, "m");
  const double n = table.number(row, "n");
  const double k = table.number(row, "k");
  constexpr double kLeastWeights = 3e7;  // where bandwidth and peak count, not the call
  if (!format || n * k < kLeastWeights) return {};
  const double activation = bytes_each(gpu.product_format(*format));
  return KernelRow{*format,
                   1,
                   n * k * bytes_each(*format) + m * k * activation + 2 * m * n,
                   2 * m * n * k,
                   gpu.tensor_flops(*format),
                   gpu.memory_bandwidth_bytes_per_s};
}

bool has_window(const CsvTable& table, std::size_t row) {
  return table.number(row, "window_size", 0) > 0;
}

std::optional<KernelRow> prefill_attention(const CsvTable& table, std::size_t row, const Gpu& gpu) {
  const std::string& type = table.text(row, "attn_dtype");
  const auto format = format_of_type(table.text(row, "kv_cache_dtype"));
  if (!format || has_window(table, row) || type == "fp8") return {};
  const double before = table.number(row, "step", 0);
  const double tokens = table.number(row, "isl");
  const double batch = table.number(row, "batch_size");
  const double values = table.number(row, "num_heads") * table.number(row, "head_dim");
  const double all = before + tokens;
  return KernelRow{*format,
                   1,
                   4 * batch * tokens * values,
                   2 * batch * (all * all - before * before) * values,
                   gpu.fp16_flops,
                   gpu.memory_bandwidth_bytes_per_s};
}

std::optional<KernelRow> decode_attention(const CsvTable& table, std::size_t row, const Gpu& gpu) {
  const auto format = format_of_type(table.text(row, "kv_cache_dtype"));
  if (!format || has_window(table, row)) return {};
  const double heads = table.number(row, "num_heads");
  const double own_kv = table.number(row, "num_key_value_heads", 0);
  const double tokens =
      table.number(row, "batch_size") * (table.number(row, "isl") + table.number(row, "step", 0));
  const double head = table.number(row, "head_dim");
  const double bytes = 2 * tokens * (own_kv > 0 ? own_kv : heads) * head * bytes_each(*format);
  constexpr double kBeyondCaches = 2e7;
  if (bytes < kBeyondCaches) return {};
  return KernelRow{*format,        1,
                   bytes,          4 * tokens * heads * head,
                   gpu.fp16_flops, gpu.memory_bandwidth_bytes_per_s};
}

// DeepSeek's: 512 numbers of a latent and 64 with positions; heads of 128, with positions 192.
constexpr double kLatent = 512;
constexpr double kLatentAndRotary = 576;
constexpr double kHead = 128;
constexpr double kHeadAndRotary = 192;

std::optional<KernelRow> prefill_mla(const CsvTable& table, std::size_t row, const Gpu& gpu) {
  const auto format = format_of_type(table.text(row, "kv_cache_dtype"));
  if (!format || table.text(row, "mla_dtype") == "fp8") return {};
  const double before = table.number(row, "step", 0);
  const double tokens = table.number(row, "isl");
  const double batch = table.number(row, "batch_size");
  const double heads = table.number(row, "num_heads");
  const double all = before + tokens;
  return KernelRow{*format,
                   1,
                   2 * batch * tokens * heads * (kHead + kHeadAndRotary),
                   batch * (all * all - before * before) * heads * (kHead + kHeadAndRotary),
                   gpu.fp16_flops,
                   gpu.memory_bandwidth_bytes_per_s};
}

std::optional<KernelRow> decode_mla(const CsvTable& table, std::size_t row, const Gpu& gpu) {
  const auto format = format_of_type(table.text(row, "kv_cache_dtype"));
  if (!format) return {};
  const double tokens =
      table.number(row, "batch_size") * (table.number(row, "isl") + table.number(row, "step", 0));
  const double bytes = tokens * kLatentAndRotary * bytes_each(*format);
  constexpr double kBeyondCaches = 2e7;
  if (bytes < kBeyondCaches) return {};
  return KernelRow{
      *format,        1,
      bytes,          2 * tokens * table.number(row, "num_heads") * (kLatent + kLatentAndRotary),
      gpu.fp16_flops, gpu.memory_bandwidth_bytes_per_s};
}

/// Experts in MXFP4 are computed with activations in FP8 where the GPU has FP4, or in FP16.
bool is_second_way(const std::string& type, const Gpu& gpu) {
  const bool fp8 = gpu.product_format(Format::kMxfp4) == Format::kFp8;
  return type == (fp8 ? "w4a16_mxfp4" : "w4a8_mxfp4_mxfp8");
}

std::string shape_of(const CsvTable& table, std::size_t row) {
  std::string shape;
  for (const char* column : {"num_tokens", "hidden_size", "inter_size", "topk", "num_experts",
                             "moe_tp_size", "moe_ep_size", "distribution"}) {
    shape += table.text(row, column) + " ";
  }
  return shape;
}

std::optional<KernelRow> moe(const CsvTable& table, std::size_t row, const Gpu& gpu) {
  std::string type = table.text(row, "moe_dtype");
  const bool gated = table.text(row, "kernel_source").find("nongated") == std::string::npos;
  const bool second = is_second_way(type, gpu);
  // Experts in FP8 have scales by block, but TensorRT-LLM makes its own, by tensor.
  const bool by_tensor = table.file().find("__trtllm__") != std::string::npos;
  if (type == (by_tensor ? "fp8_block" : "fp8")) return {};
  if (type == "fp8_block") type = "fp8";
  const auto format = format_of_type(type);
  const std::string& spread = table.text(row, "distribution");
  if (!format || !gated || !spread.starts_with("power_law")) return {};
  const double tokens = table.number(row, "num_tokens");
  const double hidden = table.number(row, "hidden_size");
  const double experts = table.number(row, "num_experts");
  const double chosen = table.number(row, "topk");
  const double inter = table.number(row, "inter_size") / table.number(row, "moe_tp_size");
  const double groups = table.number(row, "moe_ep_size");
  const double touched = experts / groups * (1 - std::pow(1 - chosen / experts, tokens));
  const double routed = tokens * chosen / groups;
  return KernelRow{*format,
                   1,
                   touched * 3 * hidden * inter * bytes_each(*format),
                   2 * routed * 3 * hidden * inter,
                   gpu.tensor_flops(*format),
                   gpu.memory_bandwidth_bytes_per_s,
                   routed * hidden * kRoutedBytes,
                   shape_of(table, row),
                   second};
}

std::optional<KernelRow> all_reduce(const CsvTable& table, std::size_t row, const Gpu& gpu) {
  if (table.text(row, "backend").ends_with("eager")) return {};
  const double gpus = table.number(row, "num_gpus");
  constexpr double kBytesEach = 2;
  return KernelRow{Format::kFp16,
                   static_cast<std::uint32_t>(gpus),
                   2 * (gpus - 1) / gpus * table.number(row, "message_size") * kBytesEach,
                   0,
                   1,
                   gpu.link_bytes_per_s};
}

}  // namespace

std::optional<OperatorTableKind> operator_table_kind(const std::string& name) {
  static const std::map<std::string, OperatorTableKind> known{
      {"gemm", {Operator::kGemm, gemm}},
      {"context_attention", {Operator::kPrefillAttention, prefill_attention}},
      {"generation_attention", {Operator::kDecodeAttention, decode_attention}},
      {"context_mla", {Operator::kPrefillMla, prefill_mla}},
      {"generation_mla", {Operator::kDecodeMla, decode_mla}},
      {"moe", {Operator::kMoe, moe}},
      {"custom_allreduce", {Operator::kAllReduce, all_reduce}}};
  const auto found = known.find(name);
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace cleave
