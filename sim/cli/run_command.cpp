#include <iostream>
#include <limits>
#include <memory>
#include <optional>

#include "sim/base/error.h"
#include "sim/cli/command.h"
#include "sim/cli/output_file.h"
#include "sim/cli/policy_text.h"
#include "sim/cli/progress.h"
#include "sim/metrics/timeline.h"
#include "sim/report/aiperf_metrics.h"
#include "sim/report/run_text.h"
#include "sim/scenario/pool_latency.h"
#include "sim/scenario/resolve.h"
#include "sim/simulation.h"

namespace cleave {

namespace {

struct Options {
  ScenarioSources sources;
  std::string out;
  std::string timeline;
  double timeline_from_s = 0;
  double timeline_to_s = std::numeric_limits<double>::infinity();
  std::string metrics;
  bool json = false;
  bool quiet = false;
};

/// How many requests are to come, as far as the scenario says; 0 where it does not.
double expected_requests(const Workload& workload) {
  if (workload.requests) return static_cast<double>(*workload.requests + workload.warmup_requests);
  return workload.rate_rps.value_or(0) * workload.duration_s.value_or(0);
}

int run(const Options& options) {
  if (!options.metrics.empty() && options.metrics != "aiperf") {
    throw_unknown_name("--metrics", "tool", options.metrics, {"aiperf"});
  }
  const Scenario scenario = read_scenario(merge_scenario(options.sources));
  ProfileUse().add(scenario).check();
  Simulation simulation(scenario);
  simulation.results_in(options.out).alone();
  std::optional<Progress> progress;
  if (!options.quiet && is_terminal(2)) {
    simulation.watch(progress.emplace(expected_requests(scenario.workload)));
  }
  std::optional<OutputFile> file;
  std::optional<Timeline> timeline;
  if (!options.timeline.empty()) {
    file.emplace(options.timeline, "--timeline");
    simulation.watch(timeline.emplace(file->stream(), timeline_instances(scenario),
                                      options.timeline_from_s, options.timeline_to_s));
  }
  const Json summary = simulation.run();
  progress.reset();
  if (timeline) {
    timeline->finish();
    file->commit();
  }
  if (!options.metrics.empty()) {
    const Json metrics = aiperf_metrics({"", summary, scenario.document});
    std::cout << (options.json ? metrics.dump(1) + '\n' : aiperf_text(metrics));
  } else if (options.json) {
    std::cout << summary.dump(1) << '\n';
  } else if (!options.quiet) {
    std::cout << run_text(summary, wants_colours(1));
    if (!options.out.empty()) std::cout << "Results in " << options.out << '\n';
  }
  return 0;
}

void add_run(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* run_app = app.add_subcommand(
      "run", with_example("Runs a scenario and prints what a planner wants to know.",
                          "cleave run --trace trace.csv --set pools[0].count=30 --out results"));
  run_app->add_option(
      "SCENARIO", options->sources.file,
      "scenario (JSON) or a name of cleave list scenarios; what it leaves out has a "
      "default");
  run_app
      ->add_option("--preset", options->sources.presets,
                   "settings by name, before the scenario: splitwise-sim, ethernet-25g, ...")
      ->allow_extra_args(false);
  run_app->add_option("--trace", options->sources.trace,
                      "trace file to replay, or the name of a built-in distribution");
  run_app
      ->add_option("--set", options->sources.settings,
                   "one setting: path=value; cleave list policies shows those of policies")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false);
  run_app->add_option("--out", options->out, "folder for the result files")->type_name("DIR");
  run_app
      ->add_option("--timeline", options->timeline,
                   "file for a timeline of the run; ui.perfetto.dev opens it")
      ->type_name("FILE");
  run_app->add_option("--timeline-from", options->timeline_from_s, "seconds where it begins");
  run_app->add_option("--timeline-to", options->timeline_to_s, "seconds where it ends");
  run_app->add_flag("--json", options->json, "print the summary as JSON");
  run_app
      ->add_option("--metrics", options->metrics,
                   "print the metrics under another tool's names instead: aiperf")
      ->type_name("TOOL");
  run_app->add_flag("--quiet", options->quiet, "print nothing but errors");
  std::vector<PolicyFamily> families = policy_families();
  families.push_back(fabric_family());
  run_app->footer("Policies:\n" + policy_names(families));
  run_app->callback([options, &action] { action = [options] { return run(*options); }; });
}

const Command kCommand{10, add_run};

}  // namespace

}  // namespace cleave
