#include "sim/explore/measured_point.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <limits>

#include "models/catalogue/hardware.h"
#include "models/catalogue/llm.h"
#include "sim/base/builtin.h"
#include "sim/base/error.h"
#include "sim/explore/measured_requests.h"
#include "sim/explore/validate.h"

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

/// LLM and engine of a run whose file does not say them, from what the command line says.
void name_what_is_set(MeasuredPoint& point, const MeasuredSources& sources) {
  if (!point.why_not.empty() || (!point.llm.empty() && !point.engine.empty())) return;
  try {
    const Json scenario = scenario_of_point(point, sources);
    if (point.llm.empty()) point.llm = text_at(scenario, "/llm");
    if (point.engine.empty()) point.engine = text_at(scenario, "/latency/engine");
  } catch (const InputError&) {  // said where the run is simulated
  }
}

std::string beginning_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw InputError(file + ": cannot be opened");
  constexpr std::streamsize kEnough = 1 << 16;
  std::string text(kEnough, '\0');
  in.read(text.data(), kEnough);
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
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

std::string machine_with(const std::string& gpu, std::uint32_t gpus) {
  std::string found;
  std::uint32_t least = std::numeric_limits<std::uint32_t>::max();
  for (const std::string& name : builtin_names("profiles/machines")) {
    const Machine machine = load_machine(name, "machine");
    if (machine.gpu.name != gpu || machine.power_cap < 1) continue;
    if (machine.gpu_count < gpus || machine.gpu_count >= least) continue;
    found = name;
    least = machine.gpu_count;
  }
  return found;
}

std::vector<MeasuredPoint> read_measured(const std::string& file, const MeasuredSources& sources) {
  const std::string text = beginning_of(file);
  for (const MeasuredFormat* format : {&kSiliconRows, &kThroughputRows, &kBlisTrace, &kRequestLines,
                                       &kAiperfRequests, &kGuidellm, &kBenchServe, &kAiperfMeans}) {
    if (!format->recognises(text)) continue;
    std::vector<MeasuredPoint> points = format->read(file, sources);
    for (MeasuredPoint& point : points) name_what_is_set(point, sources);
    return points;
  }
  throw InputError(
      file +
      ": not a known format of measurements; expected rows with model_path, "
      "system and silicon_tpot_ms, or with output_tokens_per_s, or of a BLIS trace (CSV), requests "
      "of a vLLM server or of AIPerf (JSON lines), or what vllm bench serve --save-result, AIPerf "
      "or GuideLLM write (JSON)");
}

}  // namespace cleave
