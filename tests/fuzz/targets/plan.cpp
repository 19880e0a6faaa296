#include "sim/explore/plan_spec.h"
#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

void feed(std::string_view input) {
  const PlanSpec spec = read_plan(parse_json(input, "plan.json"), "plan.json");
  for (const Design& design : spec.designs) {
    design_pools(design, {0, std::vector<std::uint32_t>(design.roles.size(), design.most)}).dump();
  }
}

const Entry kEntry{"plan", {Syntax::kJson, feed}};

}  // namespace

}  // namespace cleave::fuzz
