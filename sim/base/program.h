#pragma once

#include <string>

namespace cleave {

/// What computes the results: kVersion, and the plugins that it has loaded, each with a hash of its
/// file: "0.2.0+6975b735d2f4 with mine.so 1f0c5d3a9b27e684".
const std::string& program_version();
void add_to_program(const std::string& plugin);

}  // namespace cleave
