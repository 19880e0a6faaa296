#include "sim/base/error.h"

#include <algorithm>
#include <new>
#include <numeric>

namespace cleave {

std::string sentence_of(const std::exception& error) {
  if (dynamic_cast<const InputError*>(&error) != nullptr) return error.what();
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return "the memory ran out; expected fewer machines, requests or points, or a computer with "
           "more";
  }
  return std::string("a bug in Cleave; please report it with the scenario: ") + error.what();
}

void broken_invariant(const std::string& state) { throw BrokenInvariant(state); }

namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row.back();
}

std::string lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
  });
  return lower;
}

/// "dgx-h100" for "H100".
std::string shortest_with(std::string_view part, const std::vector<std::string>& known) {
  constexpr std::size_t kTelling = 3;
  std::string found;
  for (const std::string& name : known) {
    if (part.size() < kTelling || lower(name).find(lower(part)) == std::string::npos) continue;
    if (found.empty() || name.size() < found.size()) found = name;
  }
  return found;
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  std::string best;
  std::size_t best_distance = name.size() / 3 + 2;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best.empty() ? shortest_with(name, known) : best;
}

void throw_unknown_name(const std::string& place, std::string_view kind, std::string_view name,
                        const std::vector<std::string>& known) {
  std::string message = place + ": unknown " + std::string(kind) + " \"" + std::string(name) + "\"";
  const std::string near = nearest_name(name, known);
  if (!near.empty()) throw InputError(message + "; did you mean \"" + near + "\"?");
  message += "; expected one of";
  for (std::size_t i = 0; i < known.size(); ++i) {
    message += (i == 0 ? " \"" : ", \"") + known[i] + "\"";
  }
  throw InputError(message);
}

}  // namespace cleave
