#include <algorithm>
#include <initializer_list>
#include <optional>

#include "models/latency/engine_profile.h"
#include "sim/base/builtin.h"
#include "sim/base/error.h"
#include "sim/base/files.h"
#include "sim/base/fnv1a.h"
#include "sim/scenario/path.h"
#include "sim/scenario/resolve.h"
#include "sim/scenario/traffic_classes.h"
#include "traces/client_mix.h"

namespace cleave {

namespace {

bool brings_times(const Json& trace) {
  if (!trace.is_string()) return trace.is_array();
  Workload workload;
  workload.trace = trace.get<std::string>();
  return is_trace_file(workload);
}

bool brings_clients(const Json& trace) {
  return trace.is_string() && is_client_mix(trace.get<std::string>());
}

/// Keys of a workload that cannot stand beside what a patch brings are dropped with it.
void merge_workload(Json& workload, const Json& patch) {
  if (!workload.is_object() || !patch.is_object()) {
    workload = patch;
    return;
  }
  const auto brings = [&](const char* key) { return patch.contains(key); };
  const auto drop = [&](std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
      if (!brings(key)) workload.erase(key);
    }
  };
  const Json before = workload.value("arrivals", Json());
  if (brings("prompt_tokens") || brings("output_tokens")) {
    workload.erase("trace");
    workload.erase("columns");
  }
  if (brings("trace")) {
    for (const char* key : {"prompt_tokens", "output_tokens", "columns"}) workload.erase(key);
    if (brings_times(patch["trace"]) && !brings("arrivals")) workload["arrivals"] = "replay";
    if (brings_clients(patch["trace"])) {
      workload["arrivals"] = "clients";
      drop({"rate_rps", "rates", "rates_period_s", "cv"});
    }
  }
  if (brings("arrivals") && patch["arrivals"] != "gamma") workload.erase("cv");
  if (brings("rates")) drop({"rate_rps", "duration_s", "rates_period_s"});
  workload.merge_patch(patch);
  const Json arrivals = workload.value("arrivals", Json());
  if (arrivals == "replay") {
    drop({"rate_rps", "rates", "rates_period_s", "duration_s", "lengths", "sessions"});
  } else {
    drop({"rate_scale", "from_s", "to_s", "repeat", "repeat_content", "turns"});
  }
  if (arrivals == before) return;
  if (arrivals == "closed" || arrivals == "infinite")
    drop({"rate_rps", "rates", "rates_period_s", "duration_s"});
  if (arrivals != "closed") drop({"ramp_up_s", "think_s"});
  if (arrivals == "infinite") drop({"concurrency"});
}

/// Where classes bring all requests, the workload has none of its own.
void drop_requests(Json& workload, const Json& brought) {
  if (!workload.is_object()) return;
  std::vector<std::string> dropped;
  for (const auto& [key, value] : workload.items()) {
    const bool said = brought.is_object() && brought.contains(key);
    if (key != "duration_s" && key != "seed" && !said) dropped.push_back(key);
  }
  for (const std::string& key : dropped) workload.erase(key);
}

void merge(Json& document, const Json& patch) {
  Json rest = patch;
  if (patch.is_object() && patch.contains("workload")) {
    merge_workload(document["workload"], patch["workload"]);
    rest.erase("workload");
  }
  if (rest.is_object()) rest.erase("summary");
  document.merge_patch(rest);
  if (patch.is_object() && patch.contains("classes") && classes_bring_all(document)) {
    drop_requests(document["workload"], patch.value("workload", Json()));
  }
}

[[noreturn]] void bad_path(const std::string& path) {
  throw InputError("--set " + path + ": expected a path like workload.rate_rps or pools[0].count");
}

Json load_preset(const std::string& name) {
  Json preset = load_profile("profiles/presets", "preset", name, "--preset");
  if (!preset.is_object())
    throw InputError(name + ": expected an object, found " + json_kind(preset));
  return preset;
}

/// A file, or a built-in scenario by its name.
Json load_scenario(const std::string& name) {
  const std::string builtin = "profiles/scenarios/" + name + ".json";
  const auto text = builtin_file(builtin);
  if (text && !file_exists(name)) return parse_json(*text, builtin);
  return load_json(name);
}

/// Says null for what `document` lacks but `again`, the same on top of the defaults, has.
void note_removals(Json& document, const Json& again) {
  for (const auto& [key, value] : again.items()) {
    if (!document.contains(key)) {
      document[key] = nullptr;
    } else if (value.is_object() && document[key].is_object()) {
      note_removals(document[key], value);
    }
  }
}

/// Keys in the order of `model`, others behind them; nothing where it says null.
Json arranged(const Json& document, const Json& model) {
  if (!document.is_object()) return document;
  Json result = Json::object();
  const auto take = [&](const std::string& key) {
    if (!document[key].is_null()) {
      result[key] = arranged(document[key], model.is_object() ? model.value(key, Json()) : Json());
    }
  };
  if (model.is_object()) {
    for (const auto& [key, unused] : model.items()) {
      if (document.contains(key)) take(key);
    }
  }
  for (const auto& [key, unused] : document.items()) {
    if (!result.contains(key)) take(key);
  }
  return result;
}

/// The document so that it gives itself again when it is merged as a scenario file.
Json settled(const Json& document) {
  const Json defaults = default_scenario();
  Json result = arranged(document, defaults);
  Json again = defaults;
  merge(again, result);
  note_removals(result, again);
  return result;
}

/// `base` with the scheduler of the engine that `document` names, or of vLLM where it asks for
/// prefix caches, below what the document says itself; none where it does neither.
std::optional<Json> under_engine(const Json& base, const Json& document) {
  const auto asks = [&](const char* section, const char* key) {
    const Json there = document.value(section, Json());
    return there.is_object() ? there.value(key, Json()) : Json();
  };
  Json with_engine = base;
  const Json latency = document.value("latency", Json());
  if (!asks("latency", "engine").is_string()) {
    Json& policy = with_engine["batching"]["policy"];
    if (asks("kv_cache", "prefix_caching") != true || policy != "splitwise") return {};
    policy = "vllm";
    return with_engine;
  }
  merge(with_engine, load_engine(latency["engine"].get<std::string>(), "latency.engine").scenario);
  return with_engine;
}

Json put_together(const Json& base, const ScenarioSources& sources) {
  Json document = base;
  for (const std::string& preset : sources.presets) merge(document, load_preset(preset));
  if (!sources.file.empty()) {
    const Json file = load_scenario(sources.file);
    if (!file.is_object()) {
      throw InputError(sources.file + ": expected a scenario (an object), found " +
                       json_kind(file));
    }
    merge(document, file);
  }
  if (!sources.trace.empty()) merge(document, Json{{"workload", {{"trace", sources.trace}}}});
  for (const std::string& setting : sources.settings) {
    require_utf8(setting, "--set");
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw InputError("--set " + setting + ": expected path=value, as in workload.rate_rps=40");
    }
    set_path(document, setting.substr(0, equals), parse_value(setting.substr(equals + 1)));
  }
  return document;
}

}  // namespace

Json default_scenario() {
  const char* path = "profiles/scenarios/default.json";
  Json scenario = parse_json(*builtin_file(path), path);
  scenario.erase("summary");
  return scenario;
}

Json parse_value(const std::string& text) {
  const Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json(text) : value;
}

void set_path(Json& document, const std::string& path, const Json& value) {
  const std::vector<PathStep> steps = path_steps(path);
  if (steps.empty()) bad_path(path);
  if (steps.size() == 2 && steps[0].key == "workload" && !steps[1].key.empty()) {
    merge_workload(document["workload"], Json{{steps[1].key, value}});
    return;
  }
  Json* at = &document;
  for (const PathStep& step : steps) {
    if (step.key.empty()) {
      if (!at->is_array() || step.index >= at->size()) {
        throw InputError("--set " + path + ": there is no entry " + std::to_string(step.index) +
                         "; the list has " + std::to_string(at->is_array() ? at->size() : 0));
      }
      at = &(*at)[step.index];
    } else {
      if (!at->is_object() && !at->is_null()) *at = Json::object();
      at = &(*at)[step.key];
    }
  }
  *at = value;
}

Json merge_scenario(const Json& base, const Json& changes) {
  Json document = under_engine(base, changes).value_or(base);
  merge(document, changes);
  return document;
}

Json complete_scenario(const Json& changes) {
  if (!changes.is_object()) {
    throw InputError("expected a scenario (an object), found " + json_kind(changes));
  }
  return settled(merge_scenario(default_scenario(), changes));
}

Json merge_scenario(const ScenarioSources& sources) {
  require_utf8(sources.trace, "--trace");
  const Json defaults = default_scenario();
  const Json document = put_together(defaults, sources);
  const auto with_engine = under_engine(defaults, document);
  return settled(with_engine ? put_together(*with_engine, sources) : document);
}

std::string scenario_hash(const Json& document) {
  // Sorted by key: the order in which settings were given makes no other scenario.
  const nlohmann::json sorted = document;
  Fnv1a hash;
  hash.add(sorted.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return hash.text();
}

}  // namespace cleave
