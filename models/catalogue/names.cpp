#include "models/catalogue/names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

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

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string known_llm(const std::string& name) {
  const std::string bare = bare_name(name);
  for (const std::string& known : builtin_names("profiles/llms")) {
    if (known == bare || has(load_llm(known, "llm").aliases, bare)) return known;
  }
  return "";
}

std::string known_gpu(const std::string& name) {
  const std::string bare = lower(name);
  for (const std::string& known : builtin_names("profiles/gpus")) {
    if (known == bare || has(load_gpu(known, "gpu").aliases, bare)) return known;
  }
  return "";
}

}  // namespace cleave
