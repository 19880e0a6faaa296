// What a shell does to a program: closes its streams, fills its disk, interrupts it.

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "tests/catch.h"
#include "tests/cli/run_cleave.h"

using namespace cleave::testing;

namespace {

using Names = std::vector<std::string>;

/// `cleave` with `arguments` and what a shell does to its streams, such as ">/dev/full".
Outcome in_shell(const std::string& arguments, const std::string& redirections) {
  return run_program("/bin/sh",
                     {"-c", shell_quoted(CLEAVE_BINARY) + " " + arguments + " " + redirections});
}

/// A run that would take long, with files of every kind under way, ended by `signal` after a while.
int interrupted_run(const TempFolder& folder, int signal, int after_ms) {
  const std::string out = folder.path("new/results");
  const std::string timeline = folder.path("timeline.pftrace");
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(signal, SIG_DFL);
    ::execl(CLEAVE_BINARY, CLEAVE_BINARY, "run", "--set", "workload.duration_s=100000", "--quiet",
            "--out", out.c_str(), "--timeline", timeline.c_str(), nullptr);
    ::_exit(127);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(after_ms));
  ::kill(child, signal);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("streams: what standard output does not take is an error of every command") {
  for (const char* command :
       {"run --set workload.duration_s=1", "run --set workload.duration_s=1 --json",
        "run --set workload.duration_s=1 --timeline -", "list gpus", "show dgx-h100", "--help",
        "--version", "profile check", "completion bash"}) {
    INFO(command);
    const Outcome full = in_shell(command, ">/dev/full");
    CHECK(full.exit_code == 2);
    CHECK(full.err == "cleave: standard output: cannot be written: No space left on device\n");
    CHECK(in_shell(command, ">&-").exit_code == 2);
  }
  CHECK(in_shell("run --set workload.duration_s=1 --quiet", ">&-").exit_code == 0);
}

TEST_CASE("streams: a file is never taken for a closed stream") {
  const TempFolder folder;
  const std::string spec = folder.write("spec.json", R"({"vary": {"workload.duration_s": [1]}})");
  for (const char* closed : {"<&-", "2>&-", "<&- >&- 2>&-"}) {
    INFO(closed);
    const std::string database = folder.path("results.db");
    // The lock on the database is the first file of all that stays open.
    const std::string holds = "ls -l /proc/$!/fd | grep ' [012] -> ' | grep results.db; wait $!";
    const Outcome outcome = run_program(
        "/bin/sh", {"-c", shell_quoted(CLEAVE_BINARY) + " sweep " + shell_quoted(spec) +
                              " --quiet --set workload.duration_s=300 --out " +
                              shell_quoted(database) + " " + closed + " & sleep 0.3; " + holds});
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.out.empty());
    std::filesystem::remove(database);
  }
}

TEST_CASE("signals: an interrupted run ends by the signal and leaves nothing") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    for (const int after_ms : {30, 200, 500}) {
      const TempFolder folder;
      INFO(signal << " after " << after_ms << " ms");
      CHECK(interrupted_run(folder, signal, after_ms) == signal);
      CHECK(folder.names().empty());
    }
  }
}

TEST_CASE("signals: one that the caller ignores stays ignored") {
  const Outcome outcome = run_program(
      "/bin/sh", {"-c", "trap '' INT; " + shell_quoted(CLEAVE_BINARY) +
                            " run --set workload.duration_s=300 --quiet & sleep 0.1; kill -INT $!; "
                            "wait $!"});
  CHECK(outcome.exit_code == 0);
}
