#include "tests/catch.h"
#include "tests/cli/run_cleave.h"

using namespace cleave::testing;

namespace {

/// Fetches the chart library into a project folder of its own, with `npm` as a shell function.
Outcome fetch_echarts(const TempFolder& project, const std::string& npm) {
  const std::string script = "root=$1; source " CLEAVE_SOURCE_DIR
                             "/scripts/lib/setup.sh; npm() { " +
                             npm + "; }; fetch_echarts";
  return run_program("bash", {"-euo", "pipefail", "-c", script, "test", project.path()});
}

const std::string kWithout = "Going on without: reports will have tables, but no charts\n";

}  // namespace

TEST_CASE("Where the chart library cannot be fetched, npm's own line says why") {
  const TempFolder project;
  const std::string reason = "network request to https://nowhere/echarts failed, reason: ENOTFOUND";
  for (const std::string prefix : {"npm ERR! ", "npm error "}) {
    const std::string words = prefix + "code ENOTFOUND\n" + prefix + "errno ENOTFOUND\n" + prefix +
                              reason + "\n" + prefix + "network This is a problem of the network\n";
    const Outcome outcome = fetch_echarts(project, "printf '" + words + "' >&2; return 1");
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.err.ends_with("Not to be had: " + prefix + reason + "\n" + kWithout));
  }
  // Words in another form, as of a program that breaks, are better than none.
  const Outcome broken = fetch_echarts(project, "echo 'node: broken' >&2; return 1");
  CHECK(broken.err.ends_with("Not to be had: node: broken\n" + kWithout));
  CHECK(project.names().empty());
}

TEST_CASE("A chart library that is not the published one is refused") {
  const TempFolder project;
  const Outcome outcome =
      fetch_echarts(project,
                    "mkdir -p package/dist; echo other >package/dist/echarts.min.js; "
                    "tar -czf echarts-$echarts_version.tgz package");
  CHECK(outcome.exit_code == 0);
  CHECK(contains(outcome.err, "Not to be had: what npm has as echarts@"));
  CHECK(outcome.err.ends_with("is not what was published\n" + kWithout));
  CHECK(project.names().empty());
}
