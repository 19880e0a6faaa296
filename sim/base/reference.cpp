#include "sim/base/reference.h"

#include <algorithm>
#include <set>

namespace cleave {

std::string Accepts::text() const {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  for (const auto& [synonym, name] : synonyms) text += "; " + synonym + " is " + name;
  const bool numbers = words.empty() || range.most != kAnyNumber.most;
  if (text.empty() && numbers) text = (whole ? "whole, " : "") + describe(range);
  if (!words.empty()) text += (text.empty() ? "" : ", ") + words;
  return list ? "a list, each " + text : text;
}

std::vector<std::string> Accepts::all_names() const {
  std::vector<std::string> all = names;
  for (const auto& [synonym, name] : synonyms) all.push_back(synonym);
  return all;
}

const std::string& Accepts::meant(const std::string& said) const {
  for (const auto& [synonym, name] : synonyms) {
    if (synonym == said) return name;
  }
  return said;
}

std::vector<Section>& Reference::all() {
  static std::vector<Section> sections;
  return sections;
}

std::vector<std::string> Reference::documents() {
  std::set<std::string> names;
  for (const Section& section : all()) names.insert(section.document);
  return {names.begin(), names.end()};
}

std::vector<Section> Reference::sections(const std::string& document) {
  std::vector<Section> found;
  for (const Section& section : all()) {
    if (section.document != document) continue;
    const auto same = std::find_if(found.begin(), found.end(), [&](const Section& other) {
      return other.path == section.path;
    });
    if (same == found.end()) {
      found.push_back(section);
      continue;
    }
    // Read by several, of which one says what it is.
    if (same->meaning.empty()) same->meaning = section.meaning;
    auto& settings = same->settings;
    settings.insert(same->meaning == section.meaning ? settings.begin() : settings.end(),
                    section.settings.begin(), section.settings.end());
  }
  const auto first = std::find_if(found.begin(), found.end(),
                                  [](const Section& section) { return section.path.empty(); });
  const auto place = [&](const Section& section) -> std::size_t {
    if (section.path.empty() || first == found.end()) return 0;
    const std::string top = section.path.substr(0, section.path.find_first_of(".["));
    const auto named = std::find_if(first->settings.begin(), first->settings.end(),
                                    [&](const Setting& setting) { return setting.name == top; });
    return static_cast<std::size_t>(named - first->settings.begin()) + 1;
  };
  std::vector<std::pair<std::size_t, Section>> ordered;
  for (const Section& section : found) ordered.emplace_back(place(section), section);
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second.path) < std::tie(b.first, b.second.path);
  });
  found.clear();
  for (auto& [unused, section] : ordered) found.push_back(std::move(section));
  return found;
}

}  // namespace cleave
