#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>

#include "sim/base/error.h"
#include "sim/cli/command.h"

namespace cleave {

namespace {

constexpr int kBadInput = 2;

std::multimap<int, AddCommand>& commands() {
  static std::multimap<int, AddCommand> all;
  return all;
}

int run(int argc, char** argv) {
  CLI::App app{with_example(
      "Simulates LLM inference clusters that split the prompt phase from the token phase.",
      "cleave run --set workload.rate_rps=40")};
  app.name("cleave");
  app.set_version_flag("--version", std::string("cleave ") + CLEAVE_VERSION);
  app.require_subcommand(1);
  Action action;
  for (const auto& [order, add] : commands()) add(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << "cleave: " << error.what() << "; see cleave --help\n";
    return kBadInput;
  }
  return action();
}

}  // namespace

Command::Command(int order, AddCommand add) { commands().emplace(order, add); }

std::string with_example(const std::string& description, const std::string& example) {
  return description + "\nExample: " + example;
}

}  // namespace cleave

int main(int argc, char** argv) {
  int code = cleave::kBadInput;
  try {
    code = cleave::run(argc, argv);
  } catch (const cleave::InputError& error) {
    std::cout.flush();
    std::cerr << "cleave: " << error.what() << '\n';
  }
  // Past the exit handlers of SimGrid's own libraries: they take longer than a short run.
  std::cout.flush();
  std::fflush(nullptr);
  std::_Exit(code);
}
