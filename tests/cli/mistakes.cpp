// What cleave does about mistakes of its own.

#include "tests/catch.h"
#include "tests/cli/run_cleave.h"

using namespace cleave::testing;

TEST_CASE(
    "a mistake of ours is said as one, has a status of its own, and leaves nothing unfinished") {
  const TempFolder folder;
  const Outcome outcome = run_program(CLEAVE_MISTAKEN, {"mistaken", folder.path("new/results")});
  CHECK(outcome.exit_code == 70);
  CHECK(outcome.out.empty());
  CHECK(outcome.err ==
        "cleave: a bug in Cleave; please report it with the scenario: request 50 should not be\n");
  CHECK(folder.names().empty());
}
