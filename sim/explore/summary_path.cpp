#include "sim/explore/summary_path.h"

#include <charconv>
#include <set>

namespace cleave {

namespace {

void list_numbers(const Json& at, const std::string& path, std::vector<std::string>& metrics) {
  static const std::set<std::string> not_compared{
      "schema_version",   "cdf",  "over_time", "batch_tokens_cdf", "rejected_requests",
      "slowest_requests", "units"};
  if (at.is_number() || at.is_boolean()) metrics.push_back(path);
  for (const auto& [key, value] : at.items()) {
    if (at.is_array()) list_numbers(value, path + "[" + key + "]", metrics);
    if (!at.is_object() || not_compared.contains(key)) continue;
    list_numbers(value, path.empty() ? key : path + "." + key, metrics);
  }
}

}  // namespace

const Json* find_in_summary(const Json& at, std::string_view path) {
  if (path.empty() || at.is_null()) return &at;
  if (at.is_array() && path.front() == '[') {
    std::size_t index = 0;
    const char* end = path.data() + path.size();
    const auto [rest, error] = std::from_chars(path.data() + 1, end, index);
    if (error != std::errc() || rest == end || *rest != ']' || index >= at.size()) return nullptr;
    path.remove_prefix(static_cast<std::size_t>(rest + 1 - path.data()));
    if (path.starts_with('.')) path.remove_prefix(1);
    return find_in_summary(at[index], path);
  }
  if (!at.is_object()) return nullptr;
  for (std::size_t end = path.size(); end > 0; --end) {
    if (end < path.size() && path[end] != '.' && path[end] != '[') continue;
    const auto found = at.find(std::string(path.substr(0, end)));
    if (found == at.end()) continue;
    path.remove_prefix(end);
    if (path.starts_with('.')) path.remove_prefix(1);
    return find_in_summary(*found, path);
  }
  return nullptr;
}

std::vector<std::string> numbers_of_summary(const Json& summary) {
  std::vector<std::string> paths;
  list_numbers(summary, "", paths);
  return paths;
}

}  // namespace cleave
