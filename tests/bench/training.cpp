// A run for the compiler to learn from: scripts/lib/setup.sh, build_fast.
//     bench_training SCENARIO|PRESET [path=value]...
#include <iostream>

#include "sim/scenario/resolve.h"
#include "sim/simulation.h"

int main(int argc, char** argv) {
  cleave::ScenarioSources sources;
  sources.presets = {argv[1]};
  sources.settings.assign(argv + 2, argv + argc);
  // In this process, which writes what was counted as it ends.
  const cleave::Json summary =
      cleave::Simulation(cleave::read_scenario(cleave::merge_scenario(sources))).alone().run();
  std::cout << summary["requests"]["completed"] << '\n';
}
