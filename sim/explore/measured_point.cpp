#include "sim/explore/measured_point.h"

#include <algorithm>
#include <fstream>
#include <limits>

#include "models/catalogue/hardware.h"
#include "sim/base/builtin.h"
#include "sim/base/error.h"
#include "sim/explore/measured_requests.h"
#include "sim/explore/validate.h"

namespace cleave {

namespace {

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
