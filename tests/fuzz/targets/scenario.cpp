#include "sim/base/error.h"
#include "sim/scenario/resolve.h"
#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

void feed(std::string_view input) {
  ScenarioSources sources;
  sources.file = file_of("scenario.json", input);
  const Json merged = merge_scenario(sources);
  read_scenario(merged);
  sources.file = file_of("scenario.json", merged.dump());
  const Json again = merge_scenario(sources);
  if (again.dump() != merged.dump()) {
    broken_invariant("a scenario that gives another one: " + merged.dump() + "\n" + again.dump());
  }
}

const Entry kEntry{"scenario", {Syntax::kJson, feed}};

}  // namespace

}  // namespace cleave::fuzz
