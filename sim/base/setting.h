#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/json_reader.h"

namespace cleave {

/// A setting of a policy, in the section of the scenario that names the policy. The policy reads it
/// itself; this is what others may know of it.
struct Setting {
  std::string name;
  Json otherwise;       ///< what it is where the scenario does not say; null: see its meaning
  std::string unit;     ///< "" where it has none
  std::string meaning;  ///< one line, for lists

  double number(JsonReader& section, Range range) const {
    return section.number(name, range, otherwise.get<double>());
  }
  /// Nothing where the scenario does not say.
  std::optional<double> optional_number(JsonReader& section, Range range) const {
    if (!section.has(name)) return {};
    return section.number(name, range);
  }
  std::int64_t integer(JsonReader& section, std::int64_t least, std::int64_t most) const {
    return section.integer(name, least, most, otherwise.get<std::int64_t>());
  }
  std::uint32_t count(JsonReader& section, std::int64_t least, std::int64_t most) const {
    return static_cast<std::uint32_t>(integer(section, least, most));
  }
  /// Nothing where the scenario does not say.
  std::optional<std::uint32_t> optional_count(JsonReader& section, std::int64_t least,
                                              std::int64_t most) const {
    if (!section.has(name)) return {};
    return static_cast<std::uint32_t>(section.integer(name, least, most));
  }
  bool boolean(JsonReader& section) const { return section.boolean(name, otherwise.get<bool>()); }
  std::string choice(JsonReader& section, const std::vector<std::string>& known) const {
    return section.has(name) ? section.name(name, "choice", known) : otherwise.get<std::string>();
  }
};

}  // namespace cleave
