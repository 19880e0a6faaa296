#include <array>

#include "models/latency/roofline.h"
#include "sim/base/error.h"
#include "sim/scenario/pool_latency.h"
#include "sim/scenario/resolve.h"
#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

/// A scenario that uses the profile is read, and asks each pool how long a prompt and a decode
/// take.
void use(const std::string& settings) {
  const Scenario scenario = read_scenario(
      merge_scenario(default_scenario(), parse_json(settings, "settings of the target")));
  for (std::size_t pool = 0; pool < scenario.pools.size(); ++pool) {
    const auto latency = pool_latency(scenario, pool);
    prompt_s(*latency, 1000);
    decode_s(*latency, 16, 16'000);
  }
}

void as_llm(const std::string& file) { use(R"({"llm": ")" + file + "\"}"); }

void as_machine(const std::string& file) {
  use(R"({"llm": "llama3-8b", "pools": [{"role": "mixed", "machine": ")" + file +
      R"(", "count": 1}]})");
}

void as_gpu(const std::string& file) {
  as_machine(file_of("machine.json", R"({"gpu": ")" + file + R"(", "gpu_count": 8, "nic_count": 8,
      "nic_gbps": 400, "max_w": 100000, "price_per_hour": 1, "kv_sync_s": 0.005})"));
}

void as_latency(const std::string& file) {
  use(R"({"latency": {"profiles": [")" + file + R"("]}})");
}

void as_roofline(const std::string& file) {
  roofline_json(read_roofline(load_json(file), file)).dump();
}

void as_prices(const std::string& file) { use(R"({"prices": ")" + file + "\"}"); }

/// Read as each kind of profile; InputError where it is none.
void feed(std::string_view input) {
  const std::string file = file_of("profile.json", input);
  parse_json(input, file);
  int good = 0;
  for (const auto as : {as_llm, as_machine, as_gpu, as_latency, as_roofline, as_prices}) {
    try {
      as(file);
      ++good;
    } catch (const InputError&) {
    }
  }
  if (good == 0) throw InputError(file + ": is no profile");
}

const Entry kEntry{"profile", {Syntax::kJson, feed}};

}  // namespace

}  // namespace cleave::fuzz
