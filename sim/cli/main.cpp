#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <new>

#include "sim/base/error.h"
#include "sim/base/unfinished.h"
#include "sim/base/version.h"
#include "sim/cli/command.h"
#include "sim/cli/heap.h"
#include "sim/cli/help.h"
#include "sim/cli/progress.h"
#include "sim/cli/standard_output.h"
#include "sim/load_plugin.h"
#include "sim/report/table.h"

namespace cleave {

namespace {

constexpr int kBadInput = 2;
constexpr int kOurMistake = 70;  // EX_SOFTWARE of sysexits.h

/// For who has just installed it.
constexpr const char* kFirstSteps =
    R"(Cleave simulates clusters that serve LLMs. Five commands to start with:

  cleave run                         a cluster under load: the default scenario
  cleave plan llama3-70b-50rps       the cheapest cluster for 50 requests/s
  cleave list llms                   what is known: also gpus, machines, plans, ...
  cleave show scenario workload      what a scenario can say, with its defaults
  cleave run --out results && cleave report results -o run.html
                                     the results as a page

cleave --help lists all commands. docs/cookbook.md answers twelve questions.
)";

std::multimap<int, AddCommand>& commands() {
  static std::multimap<int, AddCommand> all;
  return all;
}

/// On a terminal, words stay whole.
void print_error(const std::string& sentence) {
  constexpr std::size_t kColumns = 80;
  constexpr std::size_t kWhole = 1'000'000;
  std::cerr << wrapped("cleave: " + sentence, is_terminal(2) ? kColumns : kWhole) << '\n';
}

int exit_code_of(const std::exception& error) {
  const bool asked_too_much = dynamic_cast<const InputError*>(&error) != nullptr ||
                              dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
  return asked_too_much ? kBadInput : kOurMistake;
}

int run(int argc, char** argv) {
  if (argc == 1) {
    std::cout << kFirstSteps;
    return 0;
  }
  CLI::App app{with_example(
      "Simulates LLM inference clusters that split the prompt phase from the token phase.",
      "cleave run --set workload.rate_rps=40")};
  app.formatter(std::make_shared<Help>());
  app.name("cleave");
  app.set_version_flag("--version", std::string("cleave ") + kVersion);
  std::vector<std::string> plugins;
  app.add_option("--plugin", plugins, "library with policies of one's own, for any command")
      ->type_name("FILE")
      ->allow_extra_args(false);
  // So that --plugin may stand anywhere.
  app.fallthrough();
  app.require_subcommand(1);
  Action action;
  for (const auto& [order, add] : commands()) add(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    print_error(error.what() + std::string("; see cleave --help"));
    return kBadInput;
  }
  for (const std::string& plugin : plugins) load_plugin(plugin);
  return action();
}

}  // namespace

Command::Command(int order, AddCommand add) { commands().emplace(order, add); }

}  // namespace cleave

int main(int argc, char** argv) {
  cleave::prepare_heap();
  cleave::fill_closed_streams();
  cleave::Unfinished::remove_on_signals();
  cleave::StandardOutput output;
  int code = 0;
  try {
    code = cleave::run(argc, argv);
    std::cout.flush();
  } catch (const std::exception& error) {
    // What was printed before it comes first; that may be what failed.
    std::cout.exceptions(std::ios::goodbit);
    std::cout.flush();
    cleave::print_error(cleave::sentence_of(error));
    code = cleave::exit_code_of(error);
  }
  // Past the exit handlers of SimGrid's own libraries: they take longer than a short run.
  std::fflush(nullptr);
  std::_Exit(code);
}
