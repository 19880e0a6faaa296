#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/error.h"
#include "sim/base/setting.h"

namespace cleave {

/// Names that were registered once more: the first has kept them.
inline std::vector<std::string>& names_taken() {
  static std::vector<std::string> all;
  return all;
}

/// The implementations of one policy family, by the name that scenarios use. An implementation adds
/// itself from its own .cpp file, with its settings and what reads them, if it has any:
///     const Schedulers::Entry kEntry{"jsq", "fewest requests", [](ClusterView& cluster) {...}};
///     const Schedulers::Entry kEntry{"mixed_pool", "the paper's", {kQueueLimit},
///                                    [](JsonReader& settings) -> Schedulers::Make {...}};
template <class Policy, class... Args>
class Registry {
 public:
  using Make = std::function<std::unique_ptr<Policy>(Args...)>;
  /// Reads and checks the settings; gives what makes the policy with them.
  using Read = std::function<Make(JsonReader&)>;

  /// The one that a scenario asks for, with its settings.
  struct Choice {
    std::string name;
    Make make;
  };

  struct Entry {
    Entry(const std::string& name, std::string summary, Make make)
        : Entry(name, std::move(summary), {}, [make](JsonReader&) { return make; }) {}
    Entry(const std::string& name, std::string summary, std::vector<Setting> settings, Read read) {
      const Item item{std::move(summary), std::move(settings), std::move(read)};
      if (!items().emplace(name, item).second) names_taken().push_back(name);
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

  /// Reads from `section` the name under `key`, and the settings of the one it names. Those of the
  /// others may stand beside them, and are checked too: presets and sweeps change the policy, not
  /// its section. Throws InputError for an unknown name; `kind` is for its message.
  static Choice choose(JsonReader& section, std::string_view key, std::string_view kind) {
    const std::string name = section.name(key, kind, names());
    Choice choice{name, {}};
    for (const auto& [other, item] : items()) {
      Make make = item.read(section);
      if (other == name) choice.make = std::move(make);
    }
    return choice;
  }

  /// With the settings as they are where a scenario does not say. Throws InputError for an unknown
  /// name; `place` and `kind` are for its message.
  static std::unique_ptr<Policy> make(const std::string& place, std::string_view kind,
                                      const std::string& name, Args... args) {
    const auto found = items().find(name);
    if (found == items().end()) throw_unknown_name(place, kind, name, names());
    static const Json nothing = Json::object();
    JsonReader settings(nothing, "");
    return found->second.read(settings)(args...);
  }

 private:
  struct Item {
    std::string summary;  ///< one line, for lists
    std::vector<Setting> settings;
    Read read;
  };
  static std::map<std::string, Item>& items() {
    static std::map<std::string, Item> all;
    return all;
  }
};

}  // namespace cleave
