#include "models/latency/engine_profile.h"

#include <algorithm>
#include <cmath>

#include "models/catalogue/profile_fields.h"

namespace cleave {

namespace {

constexpr const char* kFolder = "profiles/engines";

const Setting kLicence{"licence", "", "", "of the measurements", words("a text")};
const Setting kVersions{"versions", "", "", "of the software that was measured", words("a text")};
const Setting kModel{"model", "steps", "",
                     "of iterations: steps, from kernels and the engine's own work, or roofline",
                     one_of({"steps", "roofline"})};
const Setting kKernels{"kernels", nullptr, "", "whose measured kernels it runs; its own name",
                       words("a text")};
const Setting kEfficiencies{"efficiencies", nullptr, "", "of its kernels beside the tables'",
                            words("a section")};
const Setting kMemory{"memory", 1, "times", "the bytes a second of the tables",
                      in({0.1, 10, false})};
const Setting kCompute{"compute", 1, "times", "the products a second of the tables",
                       in({0.1, 10, false})};
const Reference::Entry kEfficienciesEntry{{"profile",
                                           "engine.efficiencies",
                                           "How near its kernels come to the tables'.",
                                           {kMemory, kCompute}}};
const Setting kHost{"host", nullptr, "", "its own work beside kernels", words("a section")};
const Setting kScenario{"scenario", nullptr, "", "settings of a scenario that names it",
                        words("part of a scenario")};
const Setting kErrors{"errors", nullptr, "", "how far predictions are from measurements",
                      words("a list of sections")};
const Reference::Entry kEntry{profile_section(
    "engine", "A serving engine; cleave profile fit makes one of one's own.",
    {kVersions, kModel, kKernels, kEfficiencies, kHost, kScenario, kErrors, kLicence})};
const Setting kWhat{"what", nullptr, "", "measured: all, or a GPU or LLM from the others",
                    words("a text")};
const Setting kRows{"rows", nullptr, "runs", "compared", whole(0, 1'000'000'000)};
const Setting kTpot{"tpot", nullptr, "fraction", "median absolute error", in(kNonNegative)};
const Setting kTtft{"ttft", nullptr, "fraction", "median absolute error", in(kNonNegative)};
const Reference::Entry kErrorEntry{
    {"profile", "engine.errors[]", "Errors of predictions.", {kWhat, kRows, kTpot, kTtft}}};

Setting host_setting(const HostField& field) {
  return {field.key, 0, field.unit == 1 ? "" : "us", field.meaning, in({0, 1e7, false})};
}

std::vector<Setting> host_settings() {
  std::vector<Setting> all;
  for (const HostField& field : host_fields()) all.push_back(host_setting(field));
  return all;
}
const Reference::Entry kHostEntry{
    {"profile", "engine.host", "What an engine costs beside its kernels.", host_settings()}};

/// Whether an LLM or a GPU ("llm", "gpu") was among what the engine was fitted to.
bool seen(const EngineProfile& engine, const std::string& kind, const std::string& name) {
  return std::any_of(engine.errors.begin(), engine.errors.end(), [&](const EngineError& error) {
    return error.what == kind + " " + name + ", from the others";
  });
}

}  // namespace

const std::vector<HostField>& host_fields() {
  static const std::vector<HostField> all{
      {"layer_us", "each layer: norms, rotations, choosing experts", &HostCosts::layer_s},
      {"linear_layer_us", "beside, each layer with linear attention", &HostCosts::linear_layer_s},
      {"sparse_layer_us", "beside, each layer whose attention asks an index",
       &HostCosts::sparse_layer_s},
      {"kernel_calls", "share of a kernel's call that is left in a graph", &HostCosts::kernel_calls,
       1},
      {"step_us", "each iteration: scheduling, sampling", &HostCosts::step_s},
      {"sequence_us", "each sequence of an iteration, and each prompt", &HostCosts::sequence_s},
      {"prompt_us", "an iteration with prompts", &HostCosts::prompt_s},
      {"launch_layer_us", "an iteration with prompts takes so long a layer at least",
       &HostCosts::launch_layer_s},
      {"launch_moe_layer_us", "the same, beside, of a layer with experts",
       &HostCosts::launch_moe_layer_s},
      {"launch_mla_layer_us", "the same, of a layer with latent attention",
       &HostCosts::launch_mla_layer_s},
      {"launch_linear_layer_us", "the same, of a layer with linear attention",
       &HostCosts::launch_linear_layer_s},
      {"frontend_us", "from a request's arrival until the engine sees it, and back",
       &HostCosts::frontend_s}};
  return all;
}

EngineProfile read_engine(const Json& json, const std::string& name) {
  JsonReader reader(json, name);
  EngineProfile profile;
  profile.name = short_name(name);
  reader.text("summary", "");
  kLicence.text(reader);
  reader.text("date", "");
  profile.source = reader.text("source", "");
  profile.versions = kVersions.text(reader);
  profile.roofline = kModel.choice(reader, "model") == "roofline";
  profile.kernels = reader.text(kKernels.name, profile.name);
  if (!profile.roofline) {
    if (kEfficiencies.given(reader)) {
      JsonReader efficiencies = reader.object(kEfficiencies.name);
      profile.factors = {kMemory.number(efficiencies), kCompute.number(efficiencies)};
      efficiencies.finish();
    }
    JsonReader host = reader.object(kHost.name);
    for (const HostField& field : host_fields()) {
      profile.host.*field.value = host_setting(field).number(host) * field.unit;
    }
    host.finish();
  }
  profile.scenario = kScenario.given(reader) ? reader.value(kScenario.name) : Json::object();
  if (!profile.scenario.is_object()) reader.fail("scenario", "expected settings of a scenario");
  if (kErrors.given(reader)) {
    for (JsonReader& error : reader.objects(kErrors.name)) {
      profile.errors.push_back({kWhat.text(error), static_cast<std::uint64_t>(kRows.integer(error)),
                                kTpot.number(error), kTtft.number(error)});
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
  if (profile.factors.memory != 1 || profile.factors.compute != 1) {
    json[kEfficiencies.name] = {{kMemory.name, profile.factors.memory},
                                {kCompute.name, profile.factors.compute}};
  }
  for (const HostField& field : host_fields()) {
    json["host"][field.key] = profile.host.*field.value / field.unit;
  }
  for (const EngineError& error : profile.errors) {
    json["errors"].push_back(
        {{"what", error.what}, {"rows", error.rows}, {"tpot", error.tpot}, {"ttft", error.ttft}});
  }
  return json;
}

}  // namespace cleave
