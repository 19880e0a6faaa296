#pragma once

#include <string>

namespace cleave {

/// Loads a plugin, whose policies register themselves. Throws InputError for a file that is none,
/// one that was built for other headers than this program's, of which nothing has run then, and one
/// that has a policy of a name that is taken.
void load_plugin(const std::string& file);

}  // namespace cleave
