#include <iostream>
#include <memory>
#include <optional>

#include "sim/cli/command.h"
#include "sim/cli/output_file.h"
#include "sim/explore/compare.h"
#include "sim/report/compare_text.h"

namespace cleave {

namespace {

// 2, bad input, is what every InputError ends with.
constexpr int kSame = 0;
constexpr int kChanged = 1;
constexpr int kNotComparable = 3;

struct Options {
  std::string base;
  std::string changed;
  std::string policy = "default";
  std::vector<std::string> tolerances;
  std::string junit;
  std::string markdown;
  bool same_scenario = false;
  bool json = false;
};

int compare(const Options& options) {
  ComparePolicy policy = read_compare_policy(options.policy);
  for (const std::string& setting : options.tolerances) set_tolerance(policy, setting);
  // Before the runs, so that a file that cannot be written costs no simulation.
  std::optional<OutputFile> junit;
  std::optional<OutputFile> markdown;
  if (!options.junit.empty()) junit.emplace(options.junit, "--junit");
  if (!options.markdown.empty()) markdown.emplace(options.markdown, "--markdown");

  const std::vector<ComparedRun> runs = load_compared(options.base, options.changed);
  const Json comparison = compare_runs(runs[0], runs[1], policy, options.same_scenario);
  if (junit) junit->stream() << compare_junit(comparison);
  if (markdown) markdown->stream() << compare_markdown(comparison);
  if (junit) junit->commit();
  if (markdown) markdown->commit();

  const bool comparable = comparison["outcome"] != "not_comparable";
  const bool stdout_taken = (junit && junit->is_stdout()) || (markdown && markdown->is_stdout());
  if (options.json) {
    std::cout << readable_json(comparison, 1) << '\n';
  } else if (comparable && !stdout_taken) {
    std::cout << compare_text(comparison);
  }
  if (!comparable) {
    std::cout.flush();
    std::cerr << "cleave: " << options.base << " and " << options.changed
              << " are not comparable: " << comparison["reason"].get<std::string>() << '\n';
    return kNotComparable;
  }
  return comparison["outcome"] == "same" ? kSame : kChanged;
}

void add_compare(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* compare_app = app.add_subcommand(
      "compare",
      with_example(
          "Compares two runs of the same workload, metric by metric. Exit code: 0 same, 1 changed\n"
          "beyond a tolerance (for better or worse), 2 bad input, 3 not comparable.",
          "cleave compare results-main new-policy.json --tolerance ttft.p99=2%"));
  compare_app
      ->add_option("BASE", options->base,
                   "results folder, summary.json, or scenario, which is then run")
      ->required();
  compare_app->add_option("NEW", options->changed, "the same")->required();
  compare_app
      ->add_option("--tolerance", options->tolerances,
                   "how much one metric may change: ttft.p99=1%, or in its\nunit: ttft.p99=0.05")
      ->type_name("METRIC=TOLERANCE")
      ->allow_extra_args(false);
  compare_app
      ->add_option("--policy", options->policy,
                   "metrics with direction and tolerance: a file (JSON) or a\nbuilt-in name")
      ->capture_default_str();
  compare_app->add_option("--junit", options->junit, "write a JUnit report; - is standard output")
      ->type_name("FILE");
  compare_app
      ->add_option("--markdown", options->markdown, "write a Markdown table; - is standard output")
      ->type_name("FILE");
  compare_app->add_flag("--same-scenario", options->same_scenario,
                        "not comparable unless the whole scenario is the same, not\n"
                        "only the workload: for comparing builds of cleave");
  compare_app->add_flag("--json", options->json, "print JSON and nothing else");
  compare_app->callback([options, &action] { action = [options] { return compare(*options); }; });
}

const Command kCommand{40, add_compare};

}  // namespace

}  // namespace cleave
