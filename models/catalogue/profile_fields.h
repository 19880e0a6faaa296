#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "sim/base/reference.h"

namespace cleave {

/// A profile's keys for the reference: its own, and what every profile says of itself.
inline Section profile_section(std::string path, std::string meaning, std::vector<Setting> own) {
  own.push_back({"summary", "", "", "said of it", words("a text")});
  own.push_back({"source", "", "", "where its figures are from", words("a text")});
  own.push_back({"date", "", "", "of the source", words("a text")});
  return {"profile", std::move(path), std::move(meaning), std::move(own)};
}

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

/// From 1 to what other keys allow.
inline std::uint32_t read_count(JsonReader& reader, const Setting& setting, std::int64_t most) {
  return static_cast<std::uint32_t>(reader.integer(setting.name, 1, most));
}
inline std::uint32_t read_count(JsonReader& reader, const Setting& setting, std::int64_t most,
                                std::int64_t otherwise) {
  return static_cast<std::uint32_t>(reader.integer(setting.name, 1, most, otherwise));
}

}  // namespace cleave
