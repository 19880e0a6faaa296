// How far estimates for today's engines are from what was measured: what docs/accuracy.md promises.

#include <vector>

#include "sim/base/json_reader.h"
#include "tests/catch.h"
#include "tests/cli/run_cleave.h"

namespace cleave::testing {

namespace {

/// Medians of the absolute errors, as fractions.
struct Bars {
  std::string group;
  double tpot;
  double ttft;
};

Json group_of(const Json& result, const std::string& name) {
  for (const Json& group : result["groups"]) {
    if (group["name"] == name) return group;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("accuracy: a sample of measured runs is met as nearly as the docs say") {
  const Outcome outcome =
      run_cleave({"validate", CLEAVE_SOURCE_DIR "/tests/validation/sample.csv", "--json"});
  REQUIRE(outcome.exit_code == 0);
  const Json result = parse_json(outcome.out, "validate");
  CHECK(result["rows"] == 150);
  CHECK(result["covered"] == 150);
  const std::vector<Bars> all{
      {"all", 0.12, 0.35},          {"engine vllm", 0.12, 0.25},    {"engine trtllm", 0.2, 0.45},
      {"engine sglang", 0.12, 0.4}, {"llm llama3-70b", 0.12, 0.25}, {"llm minimax-m2.5", 0.12, 0.3},
      {"llm deepseek-v3", 0.2, 0.6}};
  for (const Bars& bars : all) {
    const Json group = group_of(result, bars.group);
    INFO(bars.group << ": " << group.dump());
    REQUIRE(group.is_object());
    CHECK(group["tpot"]["median"].get<double>() < bars.tpot);
    CHECK(group["ttft"]["median"].get<double>() < bars.ttft);
  }
}

}  // namespace cleave::testing
