#include "traces/distribution.h"

#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

void feed(std::string_view input) {
  const Json json = parse_json(input, "distribution.json");
  read_distribution(json, "distribution.json");
  distribution_text(json);
}

const Entry kEntry{"distribution", {Syntax::kJson, feed}};

}  // namespace

}  // namespace cleave::fuzz
