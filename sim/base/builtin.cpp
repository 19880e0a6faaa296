#include "sim/base/builtin.h"

#include <algorithm>

#include "sim/base/builtin_table.h"

namespace cleave {

std::optional<std::string_view> builtin_file(std::string_view path) {
  for (const BuiltinEntry* entry = kBuiltinTable; entry->path != nullptr; ++entry) {
    if (path == entry->path) {
      return std::string_view(entry->begin, static_cast<std::size_t>(entry->end - entry->begin));
    }
  }
  return std::nullopt;
}

std::vector<std::string> builtin_names(std::string_view folder) {
  constexpr std::string_view kEnding = ".json";
  std::vector<std::string> names;
  for (const BuiltinEntry* entry = kBuiltinTable; entry->path != nullptr; ++entry) {
    std::string_view path = entry->path;
    if (!path.starts_with(folder) || !path.ends_with(kEnding) || path.size() <= folder.size() ||
        path[folder.size()] != '/') {
      continue;
    }
    path.remove_prefix(folder.size() + 1);
    path.remove_suffix(kEnding.size());
    if (path.find('/') == std::string_view::npos) names.emplace_back(path);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace cleave
