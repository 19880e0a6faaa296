// A program that uses Cleave as a library; docs/library.md explains it.

#include <algorithm>
#include <iostream>

#include "sim/base/error.h"
#include "sim/simulation.h"

using namespace cleave;

namespace {

/// Notes the slowest first token.
struct SlowestStart : Observer {
  double ttft_s = 0;
  std::uint64_t requests = 0;

  void finished(const FinishedRequest& request) override {
    ttft_s = std::max(ttft_s, request.first_token_s - request.arrival_s);
    ++requests;
  }
};

Json cluster_of(int prompt_machines, int token_machines) {
  return {{"llm", "llama2-70b"},
          {"workload", {{"rate_rps", 20}, {"duration_s", 60}}},
          {"pools",
           {{{"role", "prompt"}, {"machine", "dgx-h100"}, {"count", prompt_machines}},
            {{"role", "token"}, {"machine", "dgx-h100"}, {"count", token_machines}}}}};
}

/// Steps through a run and shows what a scheduler sees at times of its own choice.
Json watch_run(const Json& scenario) {
  SlowestStart slowest;
  Simulation simulation = Simulation::from(scenario);
  simulation.watch(slowest);
  while (simulation.step_until(simulation.now() + 20)) {
    std::int64_t waiting = 0;
    for (const InstanceLoad& load : simulation.cluster().loads()) waiting += load.pending_tokens;
    std::cout << "at " << simulation.now() << " s: " << slowest.requests << " requests done, "
              << waiting << " tokens pending\n";
  }
  const Json summary = simulation.run();
  std::cout << slowest.requests << " requests, the slowest first token after " << slowest.ttft_s
            << " s\n";
  return summary;
}

}  // namespace

int main() {
  try {
    const Json stepped = watch_run(cluster_of(2, 3));
    // A second one in the same process, at once: the same scenario gives the same results.
    const Json again = Simulation::from(cluster_of(2, 3)).run();
    const Json larger = Simulation::from(cluster_of(3, 4)).run();
    std::cout << "P99 of TTFT: " << stepped["ttft"]["p99"] << " s, with two machines more "
              << larger["ttft"]["p99"] << " s\n";
    if (again != stepped) return 1;
    Simulation::from({{"llm", "llama2-7Ob"}});
  } catch (const InputError& error) {
    std::cout << "refused: " << error.what() << '\n';
    return 0;
  }
  return 1;
}
