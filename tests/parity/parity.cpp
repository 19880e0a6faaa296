#include "sim/explore/parity.h"

#include "sim/base/child_process.h"
#include "tests/catch.h"

namespace cleave {

TEST_CASE("the preset splitwise-sim agrees with the published simulator, request by request") {
  const auto cases = read_parity_cases(CLEAVE_SOURCE_DIR "/tests/parity/cases.json");
  REQUIRE(cases.size() == 43);
  for (const ParityCase& one : cases) {
    INFO(one.name);
    CHECK(in_child([&] { return compare_parity(one); }) == "");
  }
}

TEST_CASE("a different cluster does not agree, and the first difference is named") {
  auto cases = read_parity_cases(CLEAVE_SOURCE_DIR "/tests/parity/cases.json");
  ParityCase one = cases.at(1);
  one.scenario["fabric"]["pipe_gib_per_s"] = 100;
  const std::string difference = in_child([&] { return compare_parity(one); });
  CHECK(difference.find("transfer_end: expected") != std::string::npos);
}

}  // namespace cleave
