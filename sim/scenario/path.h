#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sim/base/json_reader.h"

namespace cleave {

/// A step of a path in a document: by key, or by index where `key` is empty.
struct PathStep {
  std::string key;
  std::size_t index = 0;
};

/// The steps of a path like "pools[0].count"; none where it cannot be read as one.
std::vector<PathStep> path_steps(const std::string& path);

/// The value at `path` of a document; null where there is none.
const Json* find_path(const Json& document, const std::string& path);

}  // namespace cleave
