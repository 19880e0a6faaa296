#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/base/error.h"
#include "sim/base/setting.h"

namespace cleave {

/// The implementations of one policy family, by the name that scenarios use. An implementation adds
/// itself from its own .cpp file:
///     const Registry<Scheduler>::Entry kEntry{"jsq", "fewest requests", [](...) {...}};
/// with its settings behind it, if it has any.
template <class Policy, class... Args>
class Registry {
 public:
  using Make = std::function<std::unique_ptr<Policy>(Args...)>;
  struct Item {
    std::string summary;  ///< one line, for lists
    Make make;
    std::vector<Setting> settings;
  };
  struct Entry {
    Entry(const std::string& name, std::string summary, Make make,
          std::vector<Setting> settings = {}) {
      items()[name] = Item{std::move(summary), std::move(make), std::move(settings)};
    }
  };

  static std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const auto& [name, item] : items()) all.push_back(name);
    return all;
  }
  static std::string summary(const std::string& name) { return items().at(name).summary; }
  static const std::vector<Setting>& settings(const std::string& name) {
    return items().at(name).settings;
  }
  /// Makes the settings of all known to the reader of their section, whichever is chosen.
  static void know_settings(JsonReader& section) {
    for (const auto& [name, item] : items()) {
      for (const Setting& setting : item.settings) section.has(setting.name);
    }
  }

  /// Throws InputError for an unknown name; `place` and `kind` are for its message.
  static std::unique_ptr<Policy> make(const std::string& place, std::string_view kind,
                                      const std::string& name, Args... args) {
    const auto found = items().find(name);
    if (found == items().end()) throw_unknown_name(place, kind, name, names());
    return found->second.make(args...);
  }

 private:
  static std::map<std::string, Item>& items() {
    static std::map<std::string, Item> all;
    return all;
  }
};

}  // namespace cleave
