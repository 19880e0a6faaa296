#include "traces/client_mix.h"

#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

void feed(std::string_view input) {
  const ClientMix mix = read_client_mix(parse_json(input, "mix.json"), "mix.json");
  distribution_text(client_mix_json(mix, {}));
}

const Entry kEntry{"client_mix", {Syntax::kJson, feed}};

}  // namespace

}  // namespace cleave::fuzz
