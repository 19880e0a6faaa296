#include "models/llm_config.h"

#include "models/llm.h"
#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

void feed(std::string_view input) {
  const Json llm = llm_from_config(parse_json(input, "config.json"), "config.json");
  load_llm(file_of("llm.json", llm.dump()), "llm");
}

const Entry kEntry{"llm_config", {Syntax::kJson, feed}};

}  // namespace

}  // namespace cleave::fuzz
