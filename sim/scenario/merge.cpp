#include <algorithm>
#include <cctype>
#include <cstdint>

#include "sim/base/builtin.h"
#include "sim/base/error.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

bool is_trace_file_name(const Json& trace) {
  if (!trace.is_string()) return false;
  Workload workload;
  workload.trace = trace.get<std::string>();
  return is_trace_file(workload);
}

/// Keys of a workload that cannot stand beside what a patch brings are dropped with it.
void merge_workload(Json& workload, const Json& patch) {
  if (!workload.is_object() || !patch.is_object()) {
    workload = patch;
    return;
  }
  const auto brings = [&](const char* key) { return patch.contains(key); };
  if (brings("prompt_tokens") || brings("output_tokens")) {
    workload.erase("trace");
    workload.erase("columns");
  }
  if (brings("trace")) {
    for (const char* key : {"prompt_tokens", "output_tokens", "columns"}) workload.erase(key);
    if (is_trace_file_name(patch["trace"]) && !brings("arrivals")) workload["arrivals"] = "replay";
  }
  if (brings("arrivals") && patch["arrivals"] != "gamma") workload.erase("cv");
  workload.merge_patch(patch);
  if (workload.value("arrivals", Json()) == "replay") {
    for (const char* key : {"rate_rps", "duration_s", "lengths"}) {
      if (!brings(key)) workload.erase(key);
    }
  } else {
    for (const char* key : {"rate_scale", "from_s", "to_s", "repeat"}) {
      if (!brings(key)) workload.erase(key);
    }
  }
}

void merge(Json& document, const Json& patch) {
  Json rest = patch;
  if (patch.is_object() && patch.contains("workload")) {
    merge_workload(document["workload"], patch["workload"]);
    rest.erase("workload");
  }
  document.merge_patch(rest);
}

struct Step {
  std::string key;  ///< empty for an index
  std::size_t index = 0;
};

[[noreturn]] void bad_path(const std::string& path) {
  throw InputError("--set " + path + ": expected a path like workload.rate_rps or pools[0].count");
}

std::vector<Step> parse_path(const std::string& path) {
  std::vector<Step> steps;
  std::size_t at = 0;
  while (at < path.size()) {
    if (path[at] == '[') {
      const std::size_t close = path.find(']', at);
      if (close == std::string::npos || close == at + 1 || close > at + 9 || steps.empty())
        bad_path(path);
      std::size_t index = 0;
      for (std::size_t i = at + 1; i < close; ++i) {
        if (std::isdigit(static_cast<unsigned char>(path[i])) == 0) bad_path(path);
        index = index * 10 + static_cast<std::size_t>(path[i] - '0');
      }
      steps.push_back({"", index});
      at = close + 1;
      if (at < path.size() && path[at] == '.') ++at;
      continue;
    }
    const std::size_t end = std::min(path.find_first_of(".[", at), path.size());
    if (end == at) bad_path(path);
    steps.push_back({path.substr(at, end - at), 0});
    at = end < path.size() && path[end] == '.' ? end + 1 : end;
  }
  if (steps.empty() || path.back() == '.') bad_path(path);
  return steps;
}

Json load_preset(const std::string& name) {
  Json preset = load_profile("profiles/presets", "preset", name, "--preset");
  if (!preset.is_object())
    throw InputError(name + ": expected an object, found " + json_kind(preset));
  preset.erase("summary");
  return preset;
}

/// Text that comes from the command line must be able to stand in scenario.json.
void check_utf8(const std::string& text, const std::string& option) {
  const Json json = text;
  try {
    json.dump();
  } catch (const Json::type_error&) {
    throw InputError(option + " " + text + ": expected text in UTF-8");
  }
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

}  // namespace

Json default_scenario() {
  const char* path = "profiles/scenarios/default.json";
  return parse_json(*builtin_file(path), path);
}

Json parse_value(const std::string& text) {
  const Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json(text) : value;
}

void set_path(Json& document, const std::string& path, const Json& value) {
  const std::vector<Step> steps = parse_path(path);
  if (steps.size() == 2 && steps[0].key == "workload" && !steps[1].key.empty()) {
    merge_workload(document["workload"], Json{{steps[1].key, value}});
    return;
  }
  Json* at = &document;
  for (const Step& step : steps) {
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
  Json document = base;
  merge(document, changes);
  return document;
}

Json merge_scenario(const ScenarioSources& sources) {
  Json document = default_scenario();
  for (const std::string& preset : sources.presets) merge(document, load_preset(preset));
  if (!sources.file.empty()) {
    const Json file = load_json(sources.file);
    if (!file.is_object()) {
      throw InputError(sources.file + ": expected a scenario (an object), found " +
                       json_kind(file));
    }
    merge(document, file);
  }
  check_utf8(sources.trace, "--trace");
  if (!sources.trace.empty()) merge(document, Json{{"workload", {{"trace", sources.trace}}}});
  for (const std::string& setting : sources.settings) {
    check_utf8(setting, "--set");
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw InputError("--set " + setting + ": expected path=value, as in workload.rate_rps=40");
    }
    set_path(document, setting.substr(0, equals), parse_value(setting.substr(equals + 1)));
  }
  return settled(document);
}

std::string scenario_hash(const Json& document) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  // Sorted by key: the order in which settings were given makes no other scenario.
  const nlohmann::json sorted = document;
  for (const char c : sorted.dump()) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, hash >>= 4) {
    *digit = "0123456789abcdef"[hash & 15];
  }
  return text;
}

}  // namespace cleave
