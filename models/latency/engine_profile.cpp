#include "models/latency/engine_profile.h"

#include <algorithm>
#include <cmath>

#include "models/catalogue/profile_fields.h"

namespace cleave {

namespace {

constexpr const char* kFolder = "profiles/engines";

/// Whether an LLM or a GPU ("llm", "gpu") was among what the engine was fitted to.
bool seen(const EngineProfile& engine, const std::string& kind, const std::string& name) {
  return std::any_of(engine.errors.begin(), engine.errors.end(), [&](const EngineError& error) {
    return error.what == kind + " " + name + ", from the others";
  });
}

}  // namespace

const std::vector<HostField>& host_fields() {
  static const std::vector<HostField> all{
      {"layer_us", &HostCosts::layer_s},
      {"linear_layer_us", &HostCosts::linear_layer_s},
      {"sparse_layer_us", &HostCosts::sparse_layer_s},
      {"kernel_calls", &HostCosts::kernel_calls, 1},
      {"step_us", &HostCosts::step_s},
      {"sequence_us", &HostCosts::sequence_s},
      {"prompt_us", &HostCosts::prompt_s},
      {"launch_layer_us", &HostCosts::launch_layer_s},
      {"launch_moe_layer_us", &HostCosts::launch_moe_layer_s},
      {"launch_mla_layer_us", &HostCosts::launch_mla_layer_s},
      {"launch_linear_layer_us", &HostCosts::launch_linear_layer_s},
      {"frontend_us", &HostCosts::frontend_s}};
  return all;
}

EngineProfile read_engine(const Json& json, const std::string& name) {
  JsonReader reader(json, name);
  EngineProfile profile;
  profile.name = short_name(name);
  reader.text("summary", "");
  reader.text("licence", "");
  reader.text("date", "");
  profile.source = reader.text("source", "");
  profile.versions = reader.text("versions", "");
  profile.roofline = reader.text("model", "steps") == "roofline";
  profile.kernels = reader.text("kernels", profile.name);
  if (!profile.roofline) {
    JsonReader host = reader.object("host");
    for (const auto& [key, value, unit] : host_fields()) {
      profile.host.*value = host.number(key, {0, 1e7, false}, 0) * unit;
    }
    host.finish();
  }
  profile.scenario = reader.has("scenario") ? reader.value("scenario") : Json::object();
  if (!profile.scenario.is_object()) reader.fail("scenario", "expected settings of a scenario");
  if (reader.has("errors")) {
    for (JsonReader& error : reader.objects("errors")) {
      profile.errors.push_back(
          {error.text("what"), static_cast<std::uint64_t>(error.integer("rows", 0, 1'000'000'000)),
           error.number("tpot", kNonNegative), error.number("ttft", kNonNegative)});
      error.finish();
    }
  }
  reader.finish();
  return profile;
}

std::optional<EngineError> expected_error(const EngineProfile& engine, const std::string& llm,
                                          const std::string& gpu) {
  if (engine.errors.empty()) return {};
  const bool llm_seen = seen(engine, "llm", llm);
  const bool gpu_seen = seen(engine, "gpu", gpu);
  EngineError found = engine.errors.front();
  for (const EngineError& error : engine.errors) {
    constexpr std::uint64_t kEnough = 30;
    const bool counts = (!llm_seen && error.what.starts_with("llm ")) ||
                        (!gpu_seen && error.what.starts_with("gpu "));
    if (!counts || error.rows < kEnough) continue;
    found.tpot = std::max(found.tpot, error.tpot);
    found.ttft = std::max(found.ttft, error.ttft);
  }
  return found;
}

double longer_with(double confidence, double median) {
  constexpr double kHalf = 0.5;
  return std::pow(1 + median, std::log2(kHalf / (1 - confidence)));
}

std::string how_sure(const EngineProfile& engine, const std::string& llm, const std::string& gpu) {
  const auto found = expected_error(engine, llm, gpu);
  if (!found) return "";
  const bool llm_seen = seen(engine, "llm", llm);
  const bool gpu_seen = seen(engine, "gpu", gpu);
  constexpr double kPercent = 100;
  const auto percent = [](double share) { return std::to_string(std::lround(kPercent * share)); };
  return "TPOT +/- " + percent(found->tpot) + " %, TTFT +/- " + percent(found->ttft) +
         " % (median): " +
         (llm_seen && gpu_seen ? engine.name + " was measured with this LLM and this GPU"
          : llm_seen           ? engine.name + " was measured with this LLM, not on this GPU"
          : gpu_seen           ? engine.name + " was measured on this GPU, not with this LLM"
                     : engine.name + " was measured neither with this LLM nor on this GPU");
}

EngineProfile load_engine(const std::string& name, const std::string& place) {
  return read_engine(load_profile(kFolder, "engine", name, place), name);
}

Json engine_json(const EngineProfile& profile) {
  Json json{{"source", profile.source},     {"versions", profile.versions},
            {"kernels", profile.kernels},   {"host", Json::object()},
            {"scenario", profile.scenario}, {"errors", Json::array()}};
  for (const auto& [key, value, unit] : host_fields()) {
    json["host"][key] = profile.host.*value / unit;
  }
  for (const EngineError& error : profile.errors) {
    json["errors"].push_back(
        {{"what", error.what}, {"rows", error.rows}, {"tpot", error.tpot}, {"ttft", error.ttft}});
  }
  return json;
}

}  // namespace cleave
