#pragma once

#include <filesystem>

namespace cleave {

/// Whether there is anything under this name; a name that cannot even be looked up has nothing.
bool file_exists(const std::filesystem::path& path);

/// Where what is written under this name goes: links are followed, also one that leads to nothing.
std::filesystem::path behind_links(std::filesystem::path path);

}  // namespace cleave
