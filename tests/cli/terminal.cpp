// What a person sees: colours, progress and help.

#include <fcntl.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>

#include "tests/catch.h"
#include "tests/cli/run_cleave.h"

using namespace cleave::testing;

namespace {

using Names = std::vector<std::string>;

/// All that the program writes to a terminal, standard error too.
std::string on_terminal(const Names& arguments, bool no_color = false) {
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (child < 0) throw std::runtime_error("no terminal");
  if (child == 0) {
    if (no_color) ::setenv("NO_COLOR", "1", 1);
    if (!no_color) ::unsetenv("NO_COLOR");
    std::vector<char*> words{const_cast<char*>(CLEAVE_BINARY)};
    for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    ::execv(CLEAVE_BINARY, words.data());
    ::_exit(127);
  }
  std::string text;
  char bytes[4096];
  for (ssize_t count = 0; (count = ::read(terminal, bytes, sizeof bytes)) > 0;) {
    text.append(bytes, static_cast<std::size_t>(count));
  }
  ::close(terminal);
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  return text;
}

const Names kShort{"run", "--set", "workload.duration_s=1"};
/// Takes some seconds anywhere.
const Names kLong{"run", "--set", "workload.duration_s=7000", "--set", "slo=none"};

/// Bold, red, ...: the escapes that end with "m".
bool has_colours(const std::string& text) { return contains(text, "\033[1m"); }

void check_help(const Names& command) {
  Names arguments = command;
  arguments.emplace_back("--help");
  const Outcome help = run_cleave(arguments);
  std::string name;
  for (const std::string& word : command) name += word + " ";
  INFO(name);
  CHECK(help.exit_code == 0);
  CHECK(contains(help.out, "Example: cleave "));
  std::istringstream lines(help.out);
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    // A command to copy stays on one line.
    if (!line.starts_with("Example: ")) CHECK(line.size() <= 80);
  }
}

}  // namespace

TEST_CASE("terminal: colours only there, and never with NO_COLOR") {
  CHECK(has_colours(on_terminal(kShort)));
  CHECK_FALSE(has_colours(on_terminal(kShort, true)));
  CHECK_FALSE(contains(run_cleave(kShort).out, "\033"));
}

TEST_CASE("terminal: a run of more than a second shows a bar, a rate and the time left") {
  const std::string shown = on_terminal(kLong, true);
  CHECK(contains(shown, "[####"));
  CHECK(contains(shown, "requests/s"));
  CHECK(contains(shown, " left"));
  CHECK_FALSE(contains(on_terminal(kShort, true), "[#"));
}

TEST_CASE("terminal: standard output holds nothing but JSON with --json") {
  Names arguments = kShort;
  arguments.emplace_back("--json");
  const Outcome outcome = run_cleave(arguments);
  CHECK(outcome.out.starts_with("{"));
  CHECK(outcome.out.ends_with("}\n"));
  CHECK(outcome.err.empty());
}

TEST_CASE("terminal: every help fits 80 columns and has an example") {
  const std::vector<Names> commands{
      {},
      {"run"},
      {"plan"},
      {"sweep"},
      {"results"},
      {"results", "merge"},
      {"report"},
      {"compare"},
      {"trace"},
      {"trace", "info"},
      {"trace", "convert"},
      {"trace", "cut"},
      {"trace", "scale"},
      {"trace", "fit"},
      {"profile"},
      {"profile", "fit"},
      {"profile", "roofline"},
      {"profile", "llm"},
      {"profile", "check"},
      {"parity"},
      {"list"},
      {"show"},
      {"completion", "bash"},
  };
  for (const Names& command : commands) check_help(command);
}
