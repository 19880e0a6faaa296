#include "models/catalogue/names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "models/catalogue/hardware.h"
#include "models/catalogue/llm.h"
#include "sim/base/builtin.h"

namespace cleave {

namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// "meta-llama/Llama-3.1-8B-Instruct-FP8" is llama-3.1-8b.
std::string bare_name(const std::string& name) {
  std::string bare = lower(name.substr(name.find_last_of('/') + 1));
  const std::array endings{"-instruct", "-it",  "-chat", "-hf",   "-fp8",  "-nvfp4", "-fp4",
                           "-mxfp4",    "-awq", "-bf16", "-2507", "-base", "-int4",  "-v2"};
  for (bool cut = true; cut;) {
    cut = false;
    for (const std::string ending : endings) {
      if (!bare.ends_with(ending) || bare.size() == ending.size()) continue;
      bare.resize(bare.size() - ending.size());
      cut = true;
    }
  }
  return bare;
}

/// By their own names and all others, in the order of the catalogue.
using Names = std::map<std::string, std::string>;

template <class Load>
Names names_of(const std::string& folder, Load load) {
  Names names;
  for (const std::string& known : builtin_names(folder)) {
    names.emplace(known, known);
    for (const std::string& alias : load(known).aliases) names.emplace(alias, known);
  }
  return names;
}

std::string found(const Names& names, const std::string& name) {
  const auto known = names.find(name);
  return known == names.end() ? "" : known->second;
}

}  // namespace

// Files of measurements ask for each row: profiles are read once.
std::string known_llm(const std::string& name) {
  static const Names kNames =
      names_of("profiles/llms", [](const std::string& known) { return load_llm(known, "llm"); });
  return found(kNames, bare_name(name));
}

std::string known_gpu(const std::string& name) {
  static const Names kNames =
      names_of("profiles/gpus", [](const std::string& known) { return load_gpu(known, "gpu"); });
  return found(kNames, lower(name));
}

}  // namespace cleave
