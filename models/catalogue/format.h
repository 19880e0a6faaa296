#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cleave {

/// How the numbers of weights or of a KV cache are stored.
enum class Format : std::uint8_t { kFp16, kFp8, kInt8, kInt4 };

/// "fp16" (or BF16), "fp8", "int8", "int4".
const std::vector<std::string>& format_names();
const std::string& format_name(Format format);
/// `name` is one of format_names().
Format format_of(const std::string& name);
/// Four-bit numbers come in groups of 128 that share a scale and an offset: 4.25 bits each.
double bytes_each(Format format);

/// Of an LLM at work.
struct Formats {
  Format weights = Format::kFp16;
  Format kv_cache = Format::kFp16;
};

}  // namespace cleave
