#include "sim/scenario/path.h"

#include <algorithm>
#include <charconv>

namespace cleave {

namespace {

/// Reads "[12]" at `at` and moves behind it.
bool read_index(const std::string& path, std::size_t& at, std::size_t& index) {
  constexpr std::size_t kMost = 99'999'999;
  const char* const end = path.data() + path.size();
  const auto [rest, error] = std::from_chars(path.data() + at + 1, end, index);
  at = static_cast<std::size_t>(rest - path.data()) + 1;
  return error == std::errc() && index <= kMost && rest != end && *rest == ']';
}

}  // namespace

std::vector<PathStep> path_steps(const std::string& path) {
  std::vector<PathStep> steps;
  for (std::size_t at = 0; at < path.size();) {
    if (path[at] == '[') {
      std::size_t index = 0;
      if (steps.empty() || !read_index(path, at, index)) return {};
      steps.push_back({"", index});
    } else {
      const std::size_t end = std::min(path.find_first_of(".[", at), path.size());
      if (end == at) return {};
      steps.push_back({path.substr(at, end - at), 0});
      at = end;
    }
    if (at < path.size() && path[at] == '.' && ++at == path.size()) return {};
  }
  return steps;
}

const Json* find_path(const Json& document, const std::string& path) {
  const std::vector<PathStep> steps = path_steps(path);
  const Json* at = steps.empty() ? nullptr : &document;
  for (const PathStep& step : steps) {
    if (step.key.empty()) {
      at = at->is_array() && step.index < at->size() ? &(*at)[step.index] : nullptr;
    } else {
      const auto found = at->find(step.key);
      at = found == at->end() ? nullptr : &*found;
    }
    if (at == nullptr) break;
  }
  return at;
}

}  // namespace cleave
