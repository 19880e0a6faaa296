#include "sim/load_plugin.h"

#include <dlfcn.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "sim/base/error.h"
#include "sim/base/fnv1a.h"
#include "sim/base/program.h"
#include "sim/base/registry.h"
#include "sim/plugin.h"

namespace cleave {

namespace {

const std::string kExpected = CLEAVE_PLUGIN_ABI;

std::string bytes_of(const std::string& file, const std::string& place) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream bytes;
  if (!(bytes << in.rdbuf())) throw InputError(place + "cannot be read");
  return bytes.str();
}

/// What the plugin was built for, from its bytes.
std::string built_for(const std::string& bytes) {
  static const std::string mark =
      std::string(kPluginMark, sizeof kPluginMark - 1 - kExpected.size());
  const std::size_t at = bytes.find(mark);
  if (at == std::string::npos) return "";
  const std::size_t begin = at + mark.size();
  return bytes.substr(begin, bytes.find('\0', begin) - begin);
}

/// Where Cleave is a library that another one has loaded for itself (as Python does), plugins would
/// not find it.
void show_to_plugins() {
  Dl_info here{};
  if (dladdr(kPluginMark, &here) == 0 || here.dli_fname == nullptr) return;
  dlopen(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_GLOBAL);
}

}  // namespace

void load_plugin(const std::string& file) {
  const std::string place = "--plugin " + file + ": ";
  const std::string bytes = bytes_of(file, place);
  const std::string version = built_for(bytes);
  if (version.empty()) {
    throw InputError(place +
                     "is no plugin of Cleave; expected a library that includes sim/plugin.h");
  }
  if (version != kExpected) {
    throw InputError(place + "was built for Cleave " + version + "; expected one for " + kExpected +
                     ": build it again, with the headers of this program");
  }
  show_to_plugins();
  const std::string path = std::filesystem::absolute(file).string();
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
    throw InputError(place + "cannot be loaded: " + dlerror());
  }
  if (!names_taken().empty()) {
    throw InputError(place + "registers \"" + names_taken().front() +
                     "\", which is there already; expected a name of its own");
  }
  Fnv1a hash;
  hash.add(bytes);
  add_to_program(std::filesystem::path(file).filename().string() + " " + hash.text());
}

}  // namespace cleave
