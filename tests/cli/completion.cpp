#include "tests/catch.h"
#include "tests/cli/run_cleave.h"

using namespace cleave::testing;

namespace {

/// What the script offers for the last of `words`, a space after each.
std::string completed(const std::string& words) {
  const TempFolder folder;
  const std::string script = folder.write("script", run_cleave({"completion", "bash"}).out);
  const Outcome outcome = run_program(
      "bash", {"-uc",
               "source \"$1\"; eval \"COMP_WORDS=($2)\"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
               "_cleave; printf '%s ' \"${COMPREPLY[@]}\"",
               "bash", script, words});
  INFO(outcome.err);
  CHECK(outcome.err.empty());
  return outcome.out;
}

}  // namespace

TEST_CASE("completion bash prints a script that bash accepts") {
  const TempFolder folder;
  const Outcome printed = run_cleave({"completion", "bash"});
  CHECK(printed.exit_code == 0);
  CHECK(printed.err.empty());
  const Outcome checked = run_program("bash", {"-n", folder.write("script", printed.out)});
  CHECK(checked.exit_code == 0);
  CHECK(checked.err.empty());
  const Outcome declared = run_program(
      "bash", {"-c", "source \"$1\"; complete -p cleave", "bash", folder.path("script")});
  CHECK(contains(declared.out, "-F _cleave cleave"));
}

TEST_CASE("completion offers subcommands, options and values") {
  CHECK(completed("cleave r").starts_with("run "));
  CHECK(completed("cleave ru") == "run ");
  CHECK(contains(completed("cleave ''"), "trace "));
  CHECK(completed("cleave --ver") == "--version ");
  CHECK(completed("cleave trace con") == "convert ");
  CHECK(completed("cleave completion ''") == "bash ");

  CHECK(completed("cleave run --pre") == "--preset ");
  CHECK(completed("cleave run scenario.json --qu") == "--quiet ");
  CHECK(completed("cleave compare --to") == "--tolerance ");
  CHECK(contains(completed("cleave run -"), "--set "));
  CHECK_FALSE(contains(completed("cleave run -"), "--tolerance"));

  CHECK(completed("cleave run --preset ethernet-1") == "ethernet-10g ");
  CHECK(completed("cleave run --preset = ethernet-1") == "ethernet-10g ");
  CHECK(contains(completed("cleave run --preset = "), "splitwise-sim "));
  CHECK(completed("cleave run --trace azure-2023-co") == "azure-2023-code azure-2023-conv ");
  CHECK(completed("cleave trace convert f.csv --format az") == "azure ");
  CHECK(completed("cleave show scen") == "scenario ");
  CHECK(completed("cleave run two") == "two-classes two-llms ");
  CHECK(completed("cleave plan splitting") == "splitting-pays ");
}

TEST_CASE("completion leaves files to the shell") {
  for (const char* words : {"cleave run ''", "cleave run --out ''", "cleave trace info f"}) {
    CHECK(completed(words) == " ");
  }
}
