#include "sim/base/version.h"

#include <regex>

#include "sim/base/json_reader.h"
#include "tests/catch.h"
#include "tests/cli/run_cleave.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

std::string without_end_of_line(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

TEST_CASE("The version carries the commit that it was built from") {
  const Outcome commit =
      run_program("git", {"-C", CLEAVE_SOURCE_DIR, "rev-parse", "--verify", "--short=12", "HEAD"});
  const std::string version = without_end_of_line(run_cleave({"--version"}).out);
  INFO(version);
  if (commit.exit_code != 0) {
    WARN("no git repository here: the version has no commit");
    CHECK(std::regex_match(version, std::regex(R"(cleave \d+\.\d+\.\d+)")));
    return;
  }
  const std::string release_and_commit =
      R"(cleave \d+\.\d+\.\d+\+)" + without_end_of_line(commit.out);
  CHECK(std::regex_match(version, std::regex(release_and_commit + R"((\.changed)?)")));
}

TEST_CASE("Results record the version that --version prints") {
  const TempFolder folder;
  const std::string version = kVersion;
  CHECK(run_cleave({"--version"}).out == "cleave " + version + "\n");

  const Outcome run = run_cleave({"run", "--json", "--set", "workload.duration_s=1"});
  CHECK(Json::parse(run.out).at("cleave_version") == version);

  const std::string sweep = folder.write(
      "sweep.json",
      R"({"scenario": {"workload": {"duration_s": 1}}, "vary": {"workload.seed": [1]}})");
  CHECK(run_cleave({"sweep", sweep, "--quiet", "--out", folder.path("results.db")}).exit_code == 0);
  CHECK(contains(folder.read("results.db"), version));

  const Outcome page = run_cleave({"report", folder.path("results.db"), "-o", "-"});
  CHECK(contains(page.out, version));
}
