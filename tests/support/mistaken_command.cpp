// A command that only tests have, in a cleave of their own: a run that finds an invariant broken.

#include "sim/base/error.h"
#include "sim/cli/command.h"
#include "sim/simulation.h"

namespace cleave {

namespace {

struct Doubter : Observer {
  void finished(const FinishedRequest& request) override {
    if (request.number == 50) broken_invariant("request 50 should not be");
  }
};

int run_mistaken(const std::string& out) {
  Doubter doubter;
  Simulation::from({{"workload", {{"requests", 100}}}})
      .alone()
      .results_in(out)
      .watch(doubter)
      .run();
  return 0;
}

void add_mistaken(CLI::App& app, Action& action) {
  auto out = std::make_shared<std::string>();
  CLI::App* mistaken = app.add_subcommand("mistaken", "for tests");
  mistaken->add_option("OUT", *out)->required();
  mistaken->callback([out, &action] { action = [out] { return run_mistaken(*out); }; });
}

const Command kCommand{99, add_mistaken};

}  // namespace

}  // namespace cleave
