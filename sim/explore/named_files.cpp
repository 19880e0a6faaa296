#include "sim/explore/named_files.h"

#include <fstream>
#include <iterator>
#include <vector>

#include "sim/base/builtin.h"
#include "sim/base/fnv1a.h"

namespace cleave {

namespace {

class NamedFiles {
 public:
  /// `key` is that of the value, or of the list it stands in.
  void visit(const std::string& key, const Json& value) {
    if (value.is_string()) {
      const auto name = value.get<std::string>();
      const bool is_trace = key.ends_with("trace") && !builtin_file("traces/" + name + ".json");
      if (is_trace || name.ends_with(".json")) add(name);
    }
    for (const auto& item : value.items()) {
      if (value.is_object()) visit(item.key(), item.value());
      if (value.is_array()) visit(key, item.value());
    }
  }

  Json found = Json::object();

 private:
  void add(const std::string& name) {
    std::ifstream file(name, std::ios::binary);
    if (!file || found.contains(name)) return;
    Fnv1a hash;
    std::string profile;
    std::vector<char> block(1 << 20);
    while (file.read(block.data(), static_cast<std::streamsize>(block.size())) ||
           file.gcount() > 0) {
      const std::string_view bytes(block.data(), static_cast<std::size_t>(file.gcount()));
      hash.add(bytes);
      if (name.ends_with(".json")) profile += bytes;
    }
    found[name] = hash.text();
    const Json inside = Json::parse(profile, nullptr, false);
    if (!inside.is_discarded()) visit("", inside);
  }
};

}  // namespace

Json named_files(const Json& document) {
  NamedFiles files;
  files.visit("", document);
  return files.found;
}

}  // namespace cleave
