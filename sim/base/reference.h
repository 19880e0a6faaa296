#pragma once

#include <string>
#include <vector>

#include "sim/base/setting.h"

namespace cleave {

/// A section of a document that people write: what `cleave show DOCUMENT` says of it.
struct Section {
  std::string document;  ///< "scenario", "plan", "sweep", "trace" or "profile"
  std::string path;      ///< "workload", "pools[]"; "" for what is in no section
  std::string meaning;   ///< one sentence
  std::vector<Setting> settings;
};

/// What all documents can say. A reader adds its section from its own .cpp file, with the settings
/// that it reads:
///     const Reference::Entry kEntry{{"scenario", "power", "What power costs.", {kBudget, kPue}}};
class Reference {
 public:
  struct Entry {
    explicit Entry(Section section) { all().push_back(std::move(section)); }
  };

  static std::vector<std::string> documents();
  /// The sections of a document, in the order in which its first one names them; those within
  /// another behind it.
  static std::vector<Section> sections(const std::string& document);

 private:
  static std::vector<Section>& all();
};

}  // namespace cleave
