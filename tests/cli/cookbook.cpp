// Every command of docs/cookbook.md is run, and prints what the page shows.

#include "tests/catch.h"
#include "tests/cli/document.h"
#include "tests/cli/run_cleave.h"

using namespace cleave::testing;

namespace {

const std::string kBegin = "```console";

/// What a line such as "$ cleave plan hh-code-70" prints in the folder of the sources.
std::string printed(const std::string& line) {
  const std::string program =
      "cd '" CLEAVE_SOURCE_DIR "' && cleave() { '" CLEAVE_BINARY "' \"$@\"; }\n";
  const Outcome outcome = run_program("sh", {"-c", program + line.substr(2) + " 2>&1"});
  INFO(line << '\n' << outcome.out);
  CHECK(outcome.exit_code == 0);
  return outcome.out;
}

}  // namespace

TEST_CASE("docs/cookbook.md shows what its commands print", "[figures]") {
  std::istringstream lines(document("docs/cookbook.md"));
  std::string expected;
  int commands = 0;
  for (std::string line; std::getline(lines, line);) {
    expected += line + '\n';
    if (line != kBegin) continue;
    REQUIRE(std::getline(lines, line));
    REQUIRE(line.starts_with("$ cleave "));
    ++commands;
    expected += line + '\n' + printed(line);
    while (std::getline(lines, line) && line != "```") {
    }
    expected += line + '\n';
  }
  CHECK(commands > 12);
  check_document("docs/cookbook.md", expected);
}
