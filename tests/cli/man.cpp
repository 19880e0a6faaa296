#include "tests/catch.h"
#include "tests/cli/run_cleave.h"

using namespace cleave::testing;

namespace {

bool has_program(const std::string& name) {
  return run_program("sh", {"-c", "command -v " + name}).exit_code == 0;
}

/// The names in the first column of the list below `heading` in a help text.
std::vector<std::string> listed(const std::string& help, const std::string& heading) {
  std::vector<std::string> names;
  std::size_t at = help.find("\n" + heading + ":\n");
  if (at == std::string::npos) return names;
  at = help.find('\n', at + 1) + 1;
  while (at < help.size() && help[at] != '\n') {
    const std::size_t end = help.find('\n', at);
    if (help.compare(at, 2, "  ") == 0 && help[at + 2] != ' ') {
      names.push_back(help.substr(at + 2, help.find_first_of(" ,\n", at + 2) - at - 2));
    }
    at = end + 1;
  }
  return names;
}

std::string as_roff(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == '-' ? std::string("\\-") : std::string(1, c);
  return escaped;
}

}  // namespace

TEST_CASE("man prints a page with every command and every option that --help lists") {
  const Outcome page = run_cleave({"man"});
  CHECK(page.exit_code == 0);
  CHECK(page.err.empty());
  CHECK(page.out.starts_with(".TH CLEAVE 1 "));
  CHECK(contains(page.out, ".SH NAME\ncleave \\- simulates LLM inference clusters"));

  const auto commands = listed(run_cleave({"--help"}).out, "Subcommands");
  CHECK(commands.size() > 10);
  for (const std::string& command : commands) {
    INFO(command);
    const std::size_t begin = page.out.find("\n.SS \"cleave " + as_roff(command) + " ");
    REQUIRE(begin != std::string::npos);
    const auto options = listed(run_cleave({command, "--help"}).out, "Options");
    CHECK_FALSE(options.empty());
    for (const std::string& option : options) {
      INFO(option);
      if (option == "-h") continue;  // said once, of all
      const std::size_t entry = page.out.find(".TP\n\\fB" + as_roff(option), begin);
      CHECK(entry != std::string::npos);
    }
  }
  CHECK(contains(page.out, "\n.SS \"cleave trace convert "));
  CHECK(contains(page.out, "cleave run \\-\\-set workload.rate_rps=40\n"));
}

TEST_CASE("man prints a page that groff sets without a warning") {
  if (!has_program("groff")) {
    WARN("no groff here: the manual page is not set");
    return;
  }
  const TempFolder folder;
  const std::string page = folder.write("cleave.1", run_cleave({"man"}).out);
  const Outcome set = run_program("groff", {"-man", "-ww", "-z", page});
  INFO(set.err);
  CHECK(set.exit_code == 0);
  CHECK(set.err.empty());
  const Outcome text = run_program("sh", {"-c", "groff -man -Tascii -P-cbou \"$1\"", "sh", page});
  CHECK(contains(text.out, "cleave run [OPTIONS] [SCENARIO]"));
  CHECK(contains(text.out, "--preset"));
}
