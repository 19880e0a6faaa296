#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/cli/run_cleave.h"

namespace cleave::testing {

/// Wrong input: exit code 2, one sentence with `part` and nothing on stdout.
inline void check_refused(const std::vector<std::string>& arguments, const std::string& part) {
  const Outcome outcome = run_cleave(arguments);
  INFO(outcome.err);
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.starts_with("cleave: "));
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  CHECK(contains(outcome.err, part));
}

}  // namespace cleave::testing
