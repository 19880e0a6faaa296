#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/scenario/scenario.h"

namespace cleave {

/// Where a scenario comes from. Later ones win: profiles/scenarios/default.json, the presets in
/// order, the file, the trace, the settings in order.
struct ScenarioSources {
  std::vector<std::string> presets;   ///< profiles/presets, or files ending with ".json"
  std::string file;                   ///< "": none
  std::string trace;                  ///< "": none; as workload.trace
  std::vector<std::string> settings;  ///< "path=value": "pools[0].count=30"
};

/// Puts the sources together. Objects are merged, everything else is replaced. A workload whose
/// trace becomes a file is replayed, unless its arrivals are given beside it. The result gives
/// itself again when it is the file, to the byte. Throws InputError.
Json merge_scenario(const ScenarioSources& sources);

/// The same of the defaults and a scenario file that holds `changes`.
Json complete_scenario(const Json& changes);

/// `base` with `changes` (an object like a scenario file) on top.
Json merge_scenario(const Json& base, const Json& changes);

/// Sets one path ("pools[0].count") of a scenario document; `value` as JSON, or text if it is none.
void set_path(Json& document, const std::string& path, const Json& value);
/// The value as it is written on a command line: JSON, or else text.
Json parse_value(const std::string& text);

/// The built-in default scenario.
Json default_scenario();

/// Reads and checks a complete document. Throws InputError naming the path of what is wrong.
Scenario read_scenario(const Json& document);

/// The parts "slo" and "results"; used by read_scenario().
SloSpec read_slo(JsonReader& scenario);
ResultsSpec read_results(JsonReader reader);

/// FNV-1a of the document's text with sorted keys, 16 hexadecimal digits: equal for equal
/// scenarios.
std::string scenario_hash(const Json& document);

}  // namespace cleave
