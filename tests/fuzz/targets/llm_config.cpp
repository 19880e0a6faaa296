#include "models/catalogue/llm_config.h"

#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

void feed(std::string_view input) {
  llm_from_config(parse_json(input, "config.json"), "config.json").dump();
}

const Entry kEntry{"llm_config", {Syntax::kJson, feed}};

}  // namespace

}  // namespace cleave::fuzz
