#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cleave {

/// How the numbers of weights or of a KV cache are stored.
enum class Format : std::uint8_t { kFp16, kFp8, kInt8, kInt4, kNvfp4, kMxfp4 };

/// "fp16" (or BF16), "fp8", "int8", "int4", "nvfp4", "mxfp4".
const std::vector<std::string>& format_names();
const std::string& format_name(Format format);
/// `name` is one of format_names().
Format format_of(const std::string& name);
/// Four-bit numbers come in groups that share a scale: int4 128 of them with a scale and an offset,
/// and mxfp4 32 with a scale of 8 bits, 4.25 bits each; nvfp4 16 with a scale of 8 bits, 4.5 bits.
double bytes_each(Format format);

/// Of an LLM at work.
struct Formats {
  Formats() = default;
  Formats(Format all_weights, Format kv) : weights(all_weights), kv_cache(kv), experts(weights) {}

  Format weights = Format::kFp16;
  Format kv_cache = Format::kFp16;
  Format experts = Format::kFp16;  ///< weights of the experts among which tokens are routed
  /// What both factors of matrix products are converted to; nothing: see product_format().
  std::optional<Format> activations;
};

}  // namespace cleave
