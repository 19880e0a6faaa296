#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "sim/base/json_reader.h"

namespace cleave {

/// What every profile says of itself.
inline void read_origin(JsonReader& reader) {
  reader.text("summary", "");
  reader.text("source", "");
  reader.text("date", "");
}

/// "files/rtx-4090.json" is rtx-4090.
inline std::string short_name(const std::string& name) {
  return name.ends_with(".json") ? std::filesystem::path(name).stem().string() : name;
}

inline std::uint32_t read_count(JsonReader& reader, std::string_view key, std::int64_t most) {
  return static_cast<std::uint32_t>(reader.integer(key, 1, most));
}
inline std::uint32_t read_count(JsonReader& reader, std::string_view key, std::int64_t most,
                                std::int64_t otherwise) {
  return static_cast<std::uint32_t>(reader.integer(key, 1, most, otherwise));
}

}  // namespace cleave
