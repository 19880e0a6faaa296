#include "sim/cli/reference_text.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <vector>

#include "sim/base/error.h"
#include "sim/base/reference.h"
#include "sim/cli/policy_text.h"
#include "sim/report/table.h"
#include "sim/scenario/path.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

/// A key as the reference shows it.
struct Row {
  std::string key;
  std::string policies;  ///< that have it; "" where the section itself does
  std::string otherwise;
  std::string unit;
  std::string takes;
  std::string meaning;
};

/// Without the brackets of lists: "pools[0].count" is "pools.count".
std::string plain(const std::string& path) {
  std::string text;
  bool inside = false;
  for (const char c : path) {
    if (c == '[') inside = true;
    if (!inside) text += c;
    if (c == ']') inside = false;
  }
  return text;
}

std::string path_of(const Section& section, const std::string& key) {
  return section.path.empty() ? key : section.path + "." + key;
}

std::vector<PolicyFamily> families_of(const Section& section) {
  if (section.document != "scenario") return {};
  std::vector<PolicyFamily> all = policy_families();
  all.push_back(fabric_family());
  std::erase_if(all, [&](const PolicyFamily& family) {
    return family.path.substr(0, family.path.find('.')) != section.path;
  });
  return all;
}

/// What the default scenario says, where a reader needs to be told.
std::string of_default_scenario(const std::string& path) {
  const Json scenario = default_scenario();
  const Json* found = find_path(scenario, path);
  return found == nullptr || found->is_structured() ? "" : found->dump();
}

/// Nothing where only policies know.
std::string takes_of(const Setting& setting) {
  const std::string text = setting.accepts.text();
  return text == in(kAnyNumber).text() ? "" : text;
}

Row row_of(const Section& section, const Setting& setting, const std::string& policies = "") {
  std::string otherwise = setting.otherwise.is_null() ? "" : setting.otherwise.dump();
  if (otherwise.empty() && policies.empty() && section.document == "scenario") {
    otherwise = of_default_scenario(path_of(section, setting.name));
  }
  return {setting.name, policies, otherwise, setting.unit, takes_of(setting), setting.meaning};
}

std::vector<Row> rows_of(const Section& section) {
  std::vector<Row> rows;
  for (const Setting& setting : section.settings) rows.push_back(row_of(section, setting));
  for (const PolicyFamily& family : families_of(section)) {
    for (Row& row : rows) {
      if (path_of(section, row.key) == family.path) {
        row.takes = names_of(family) + (row.takes.empty() ? "" : ", " + row.takes);
      }
    }
    for (const auto& [setting, members] : settings_of(family)) {
      rows.push_back(row_of(section, setting, members));
    }
  }
  return rows;
}

std::string row_text(const Row& row) {
  std::string brackets = row.otherwise;
  if (!row.unit.empty()) brackets += (brackets.empty() ? "" : " ") + row.unit;
  brackets += (brackets.empty() ? "" : "; ") + row.takes;
  const std::string policies = row.policies.empty() ? "" : " [" + row.policies + "]";
  return wrapped("  " + row.key + policies + " (" + brackets + "): " + row.meaning + "\n", 80, 4);
}

std::string section_text(const Section& section) {
  std::string text = section.path.empty() ? "" : section.path + ": ";
  text = wrapped(text + section.meaning + "\n", 80, 2);
  for (const Row& row : rows_of(section)) text += row_text(row);
  return text;
}

bool is_within(const Section& section, const std::string& part) {
  const std::string path = plain(section.path);
  return part.empty() || path == part || path.starts_with(part + ".");
}

std::string cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
  return escaped.empty() ? "| " : escaped + " | ";
}

}  // namespace

std::string reference_text(const std::string& document, const std::string& part,
                           const std::string& place) {
  const std::string wanted = plain(part);
  std::vector<std::string> known;
  std::string text;
  std::string key;
  for (const Section& section : Reference::sections(document)) {
    if (is_within(section, wanted)) text += (text.empty() ? "" : "\n") + section_text(section);
    if (!section.path.empty()) known.push_back(plain(section.path));
    for (const Row& row : rows_of(section)) {
      known.push_back(plain(path_of(section, row.key)));
      if (known.back() == wanted) key += row_text(row);
    }
  }
  if (text.empty()) text = key;
  if (text.empty()) throw_unknown_name(place, "part", part, known);
  return text;
}

std::string reference_markdown(const std::string& document) {
  std::string title = document;
  title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  std::string text = "# " + title + "\n<!-- by: cleave show " + document + " --markdown -->\n\n";
  for (const Section& section : Reference::sections(document)) {
    if (!section.path.empty()) text += "\n## `" + section.path + "`\n";
    text += section.meaning +
            "\n\n| key | default | unit | takes | meaning |\n| --- | --- | --- | --- | --- |\n";
    for (const Row& row : rows_of(section)) {
      const std::string of = row.policies.empty() ? "" : " of " + row.policies;
      text += "| `" + row.key + "`" + of + " | " + cell(row.otherwise) + cell(row.unit) +
              cell(row.takes) + cell(row.meaning);
      text.back() = '\n';
    }
  }
  return text;
}

}  // namespace cleave
