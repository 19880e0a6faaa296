#pragma once

#include <optional>
#include <string>

namespace cleave {

/// What `cleave trace info` shows where `name` is a built-in distribution of lengths, the file of
/// one or that of a mix of clients, as text or as JSON; nothing where it is none of these. Throws
/// InputError for one that is broken, and for the name of neither.
std::optional<std::string> fitted_info(const std::string& name, bool json);

}  // namespace cleave
