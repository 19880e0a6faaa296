#include "sim/report/sources.h"

#include <algorithm>

#include "sim/base/builtin.h"

namespace cleave {

namespace {

class Sources {
 public:
  /// The built-in file of this name; {} where there is none.
  Json add(const std::string& what, const std::string& folder, const Json& name) {
    if (!name.is_string()) return Json::object();
    const auto file = builtin_file(folder + "/" + name.get<std::string>() + ".json");
    const Json profile = file ? parse_json(*file, name.get<std::string>()) : Json::object();
    Json row{{"what", what},
             {"name", name},
             {"date", profile.value("date", "")},
             {"source", file ? profile.value("source", "") : "a file of one's own"}};
    if (std::find(rows_.begin(), rows_.end(), row) == rows_.end()) rows_.push_back(std::move(row));
    return profile;
  }
  Json rows() { return std::move(rows_); }

 private:
  Json rows_ = Json::array();
};

Json value(const Json& scenario, const char* section, const char* key) {
  const Json at = scenario.value(section, Json());
  return at.is_object() ? at.value(key, Json()) : Json();
}

/// What latencies of an LLM on a GPU can be fitted from: names begin with both.
void add_latencies(Sources& sources, const Json& scenario, const Json& gpu) {
  if (!gpu.is_string()) return;
  const Json engine = value(scenario, "latency", "engine");
  if (engine.is_string()) {
    sources.add("kernels", "profiles/operators", gpu);
    return;
  }
  const Json llm = scenario.value("llm", Json());
  if (!llm.is_string()) return;
  const std::string begin = llm.get<std::string>() + "_" + gpu.get<std::string>() + "_tp";
  for (const std::string& name : builtin_names("profiles/latency")) {
    if (name.starts_with(begin)) sources.add("latency", "profiles/latency", name);
  }
}

}  // namespace

Json sources_of(const std::vector<const Json*>& scenarios) {
  Sources sources;
  for (const Json* scenario : scenarios) {
    sources.add("LLM", "profiles/llms", scenario->value("llm", Json()));
    sources.add("engine", "profiles/engines", value(*scenario, "latency", "engine"));
    sources.add("prices", "profiles/prices", scenario->value("prices", Json()));
    for (const Json& pool : scenario->value("pools", Json::array())) {
      const Json machine = sources.add(scenario->contains("prices") ? "machine" : "machine, price",
                                       "profiles/machines", pool.value("machine", Json()));
      const Json gpu = machine.value("gpu", Json());
      sources.add("GPU", "profiles/gpus", gpu);
      add_latencies(sources, *scenario, gpu);
    }
  }
  return sources.rows();
}

}  // namespace cleave
