// Sweeps as a user runs them: in parallel, in parts, killed and started again, over MPI.

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "sim/base/json_reader.h"
#include "tests/catch.h"
#include "tests/cli/refused.h"
#include "tests/cli/run_cleave.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

constexpr int kFailedPoints = 4;

/// Nine quick points; the token pool of the last three cannot hold the LLM.
const char* const kSpec = R"({
  "scenario": { "llm": "llama2-70b", "workload": { "duration_s": 3, "rate_rps": 20 },
                "pools": [ { "role": "prompt", "machine": "dgx-h100", "count": 5 },
                           { "role": "token", "machine": "dgx-h100", "count": 5, "tensor_parallel": 8 } ] },
  "vary": { "pools[1].tensor_parallel": [8, 4, 1], "pools[0].count": [4, 6, 8] } })";

struct Sweep {
  TempFolder folder;
  std::string spec = folder.write("spec.json", kSpec);

  std::string run(const std::string& name, const std::vector<std::string>& more = {}) const {
    const std::string database = folder.path(name);
    std::vector<std::string> arguments{"sweep", spec, "--out", database, "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run_cleave(arguments);
    INFO(outcome.err);
    CHECK(outcome.exit_code == kFailedPoints);
    return database;
  }
};

std::string csv(const std::string& database) {
  const Outcome outcome = run_cleave({"results", database, "--csv"});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  return outcome.out;
}

std::size_t rows(const std::string& database) {
  const std::string text = csv(database);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) - 1;
}

}  // namespace

TEST_CASE("sweep: a listed point can have a name, which is a column and no path") {
  const TempFolder folder;
  const auto sweep = [&](const std::string& points, const std::string& vary = "{}") {
    return std::vector<std::string>{
        "sweep",
        folder.write("spec.json", R"({"scenario": {"workload": {"duration_s": 2}}, "points": )" +
                                      points + R"(, "vary": )" + vary + "}"),
        "--quiet", "--out", folder.path("results.db")};
  };
  const Outcome outcome = run_cleave(sweep(
      R"([{"name": "as it is"}, {"name": "fewer", "pools[1].count": 5}, {"pools[1].count": 6}])"));
  CHECK(outcome.exit_code == 0);
  const Outcome named = run_cleave({"results", folder.path("results.db"), "--csv", "--columns",
                                    "name,pools[1].count", "--where", "name = 'fewer'"});
  CHECK(named.out == "name,pools[1].count\nfewer,5\n");
  // The scenario of a point knows no name.
  const Outcome scenario = run_cleave(
      {"results", folder.path("results.db"), "--json", "--columns", "scenario", "--limit", "1"});
  CHECK_FALSE(contains(scenario.out, "as it is"));

  for (const char* wrong : {R"([{"name": "a"}, {"name": "a", "pools[1].count": 5}])",
                            R"([{"name": 1}])", R"([{"name": null}])"}) {
    check_refused(sweep(wrong),
                  "points: expected every name to be a text, and another one; found ");
  }
  check_refused(sweep(R"([{"pools[1].count": 5}])", R"({"name": ["a", "b"]})"),
                "vary: a name is no path; expected it in points");
}

TEST_CASE("sweep: the results do not depend on how many points run at a time") {
  const Sweep sweep;
  const std::string one = csv(sweep.run("one.db", {"-j", "1"}));
  CHECK(one == csv(sweep.run("four.db", {"-j", "4"})));
  CHECK(contains(one, "ttft_p99"));
}

TEST_CASE("sweep: a point that fails is recorded and the sweep goes on") {
  const Sweep sweep;
  const std::string database = sweep.run("results.db");
  CHECK(rows(database) == 9);
  const Outcome failed = run_cleave({"results", database, "--where", "status = failed", "--json"});
  INFO(failed.err);
  REQUIRE(failed.exit_code == 0);
  const Json points = parse_json(failed.out, "results");
  REQUIRE(points.size() == 3);
  for (const Json& point : points) {
    CHECK(contains(point.at("error").get<std::string>(),
                   "pools[1].machine: llama2-70b does not fit"));
  }
  const Outcome good =
      run_cleave({"results", database, "--where", "ttft_p99 < 100 and slo_holds = true", "--sort",
                  "cost_per_hour", "--limit", "1", "--columns", "point,cost_per_hour"});
  CHECK(good.exit_code == 0);
  CHECK(contains(good.out, "cost_per_hour"));
}

TEST_CASE("sweep: killed and started again, it loses no point and runs none twice") {
  const Sweep sweep;
  const std::string whole = csv(sweep.run("whole.db"));
  const std::string database = sweep.folder.path("killed.db");
  for (int attempt = 0; attempt < 3; ++attempt) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::execl(CLEAVE_BINARY, CLEAVE_BINARY, "sweep", sweep.spec.c_str(), "--out", database.c_str(),
              "--quiet", "-j", "1", nullptr);
      ::_exit(127);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(60 + 40 * attempt));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  CHECK(csv(sweep.run("killed.db")) == whole);
}

TEST_CASE("sweep: shards, merged, are the whole") {
  const Sweep sweep;
  const std::string whole = csv(sweep.run("whole.db"));
  std::vector<std::string> merge{"results", "merge", sweep.folder.path("merged.db")};
  for (const char* shard : {"0/3", "1/3", "2/3"}) {
    merge.push_back(sweep.run("shard-" + std::string(1, shard[0]) + ".db", {"--shard", shard}));
    CHECK(rows(merge.back()) == 3);
  }
  for (int twice = 0; twice < 2; ++twice) {
    const Outcome merged = run_cleave(merge);
    INFO(merged.err);
    CHECK(merged.exit_code == 0);
    CHECK(csv(sweep.folder.path("merged.db")) == whole);
  }
}

TEST_CASE("sweep: over MPI the results are those of a single process") {
  if (std::system("mpirun --version >/dev/null 2>&1") != 0) {
    WARN("skipped: no mpirun here (Debian: openmpi-bin and libopenmpi-dev)");
    return;
  }
  const Sweep sweep;
  const std::string database = sweep.folder.path("mpi.db");
  const Outcome outcome =
      run_program("mpirun", {"--allow-run-as-root", "--oversubscribe", "-n", "3", CLEAVE_BINARY,
                             "sweep", sweep.spec, "--out", database, "--quiet"});
  INFO(outcome.err);
  CHECK(outcome.exit_code == kFailedPoints);
  CHECK(csv(database) == csv(sweep.run("single.db")));
}

TEST_CASE("sweep: a mistake in the specification leaves nothing in the way of its correction") {
  const TempFolder folder;
  const std::string database = folder.path("results.db");
  const auto sweep = [&](const std::string& scenario) {
    const std::string spec = folder.write(
        "spec.json", R"({"vary": {"workload.seed": [1, 2]}, "scenario": )" + scenario + "}");
    return run_cleave({"sweep", spec, "--out", database, "--quiet"}).exit_code;
  };
  CHECK(sweep(R"({"workload": {"duration_ss": 1}})") == 2);
  CHECK_FALSE(std::filesystem::exists(database));
  // Every point can be read, and fails in its run.
  CHECK(sweep(R"({"workload": {"trace": "none.csv"}})") == kFailedPoints);
  CHECK(rows(database) == 2);
  CHECK(sweep(R"({"workload": {"duration_s": 1}})") == 0);
  CHECK(rows(database) == 2);
  CHECK(sweep(R"({"workload": {"duration_s": 2}})") == 2);
}

TEST_CASE("sweep: it does not go on with other contents of a file") {
  const TempFolder folder;
  const std::string header = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
  const auto trace = [&](const char* tokens) {
    return folder.write("t.csv", header + "2023-11-16 18:00:05.0000000," + tokens + ",10\n");
  };
  const std::string database = folder.path("results.db");
  const std::string spec = folder.write("spec.json", R"({"vary": {"pools[0].count": [1, 2]}})");
  const auto sweep = [&] {
    return run_cleave(
        {"sweep", spec, "--out", database, "--set", "workload.trace=" + folder.path("t.csv")});
  };
  trace("100");
  CHECK(sweep().exit_code == 0);
  trace("200");
  const Outcome other = sweep();
  CHECK(other.exit_code == 2);
  CHECK(contains(other.err, "was begun with another content of " + folder.path("t.csv")));
  trace("100");
  CHECK(sweep().exit_code == 0);
}

TEST_CASE("sweep: a point whose process was killed is run again by the next sweep") {
  const TempFolder folder;
  const std::string spec =
      folder.write("spec.json", R"({"vary": {"workload.duration_s": [3000, 1]}})");
  const std::string database = folder.path("results.db");
  const Outcome killed = run_program(
      "/bin/sh",
      {"-c", shell_quoted(CLEAVE_BINARY) + " sweep " + shell_quoted(spec) + " --out " +
                 shell_quoted(database) +
                 " -j 1 & sleep 0.5; kill -9 $(cat /proc/$!/task/$!/children); wait $!"});
  INFO(killed.err);
  CHECK(killed.exit_code == kFailedPoints);
  CHECK(contains(run_cleave({"results", database, "--where", "status = died", "--csv"}).out,
                 "the run died: Killed"));
  const Outcome again = run_cleave({"sweep", spec, "--out", database});
  CHECK(again.exit_code == 0);
  CHECK(contains(again.out, "1 points run, 1 were there already"));
}

TEST_CASE("sweep: finished, it can be read where nothing can be written") {
  if (std::system("unshare --mount true >/dev/null 2>&1") != 0) {
    WARN("skipped: a read-only file system needs unshare and the right to mount");
    return;
  }
  const TempFolder folder;
  const std::string spec = folder.write("spec.json", R"({"vary": {"workload.duration_s": [1]}})");
  CHECK(run_cleave({"sweep", spec, "--out", folder.path("a %3f.db"), "--quiet"}).exit_code == 0);
  const std::string mount = "mount --bind " + folder.path() + " " + folder.path() +
                            " && mount -o remount,bind,ro " + folder.path() + " && ";
  const auto read_only = [&](const std::string& command) {
    return run_program("unshare", {"--mount", "/bin/sh", "-c", mount + command});
  };
  const std::string results =
      shell_quoted(CLEAVE_BINARY) + " results " + shell_quoted(folder.path("a %3f.db")) + " --csv";
  CHECK(contains(read_only(results).out, "done"));
  // As a sweep that was killed has left it: with a header that speaks of a log, and perhaps a log.
  std::string bytes = folder.read("a %3f.db");
  bytes[18] = bytes[19] = 2;
  folder.write("a %3f.db", bytes);
  CHECK(contains(read_only(results).out, "done"));
  folder.write("a %3f.db-wal", "rows");
  const Outcome refused = read_only(results);
  CHECK(refused.exit_code == 2);
  CHECK(contains(refused.err, "expected a copy elsewhere"));
}

TEST_CASE("sweep: what is wrong is said before anything is written") {
  const TempFolder folder;
  const auto error = [&](const std::string& spec) {
    const Outcome outcome =
        run_cleave({"sweep", folder.write("s.json", spec), "--out", folder.path("out.db")});
    CHECK(outcome.exit_code == 2);
    CHECK_FALSE(std::filesystem::exists(folder.path("out.db")));
    return outcome.err;
  };
  CHECK(contains(error("{}"), "expected the paths that vary"));
  CHECK(contains(error(R"({"vary": {"pools[0].count": []}})"), "expected a list of values"));
  CHECK(contains(error(R"({"vary": {"workload.seed": [1]}, "where": ["cost_per_hour"]})"),
                 "expected two sums compared"));
  CHECK(contains(error(R"({"vary": {"workload.seed": [1]}, "where": ["cost_per_hour <= 1"]})"),
                 "no point of the grid satisfies all constraints"));
}
