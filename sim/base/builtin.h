#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cleave {

/// The bytes of a data file built into the program, by its path in the project
/// ("profiles/llms/bloom-176b.json"); nothing if there is none.
std::optional<std::string_view> builtin_file(std::string_view path);

/// The names (without folder and ".json") of the built-in files directly in `folder`, sorted.
std::vector<std::string> builtin_names(std::string_view folder);

}  // namespace cleave
