#include <iostream>
#include <memory>

#include "sim/base/child_process.h"
#include "sim/base/error.h"
#include "sim/cli/command.h"
#include "sim/explore/parity.h"

namespace cleave {

namespace {

int parity(const std::string& file) {
  const std::vector<ParityCase> cases = read_parity_cases(file);
  std::size_t agreed = 0;
  for (const ParityCase& one : cases) {
    std::string difference;
    try {
      difference = in_child([&] { return compare_parity(one); });
    } catch (const InputError& error) {
      difference = error.what();
    }
    agreed += difference.empty() ? 1 : 0;
    std::cout << one.name << ": " << (difference.empty() ? "agree" : difference) << std::endl;
  }
  std::cout << "agree " << agreed << " of " << cases.size() << '\n';
  return agreed == cases.size() ? 0 : 1;
}

void add_parity(CLI::App& app, Action& action) {
  auto file = std::make_shared<std::string>();
  CLI::App* parity_app = app.add_subcommand(
      "parity", with_example("Compares runs of the preset splitwise-sim with results of the "
                             "published simulator, request by request.",
                             "cleave parity tests/parity/cases.json"));
  parity_app->add_option("CASES", *file, "cases (JSON)")->required();
  parity_app->callback([file, &action] { action = [file] { return parity(*file); }; });
}

const Command kCommand{70, add_parity};

}  // namespace

}  // namespace cleave
