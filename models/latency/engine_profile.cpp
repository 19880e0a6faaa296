#include "models/latency/engine_profile.h"

#include "models/catalogue/profile_fields.h"

namespace cleave {

namespace {

constexpr const char* kFolder = "profiles/engines";
constexpr double kMicro = 1e-6;

}  // namespace

const std::vector<HostField>& host_fields() {
  static const std::vector<HostField> all{
      {"layer_us", &HostCosts::layer_s},
      {"moe_layer_us", &HostCosts::moe_layer_s},
      {"step_us", &HostCosts::step_s},
      {"sequence_us", &HostCosts::sequence_s},
      {"prompt_us", &HostCosts::prompt_s},
      {"launch_layer_us", &HostCosts::launch_layer_s},
      {"launch_moe_layer_us", &HostCosts::launch_moe_layer_s},
      {"launch_mla_layer_us", &HostCosts::launch_mla_layer_s},
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
    for (const auto& [key, value] : host_fields()) {
      profile.host.*value = host.number(key, {0, 1e7, false}, 0) * kMicro;
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

EngineProfile load_engine(const std::string& name, const std::string& place) {
  return read_engine(load_profile(kFolder, "engine", name, place), name);
}

Json engine_json(const EngineProfile& profile) {
  Json json{{"source", profile.source},
            {"versions", profile.versions},
            {"kernels", profile.kernels},
            {"host", Json::object()},
            {"scenario", profile.scenario},
            {"errors", Json::array()}};
  for (const auto& [key, value] : host_fields()) json["host"][key] = profile.host.*value / kMicro;
  for (const EngineError& error : profile.errors) {
    json["errors"].push_back(
        {{"what", error.what}, {"rows", error.rows}, {"tpot", error.tpot}, {"ttft", error.ttft}});
  }
  return json;
}

}  // namespace cleave
