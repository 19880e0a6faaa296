#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <optional>

#include "sim/base/error.h"
#include "sim/cli/command.h"
#include "sim/cli/output_file.h"
#include "sim/explore/compare.h"
#include "sim/explore/process_pool.h"
#include "sim/report/compare_text.h"

namespace cleave {

namespace {

// 2, bad input, is what every InputError ends with.
constexpr int kSame = 0;
constexpr int kChanged = 1;
constexpr int kNotComparable = 3;

const std::map<std::string, FailOn>& fail_on_names() {
  static const std::map<std::string, FailOn> all{
      {"change", FailOn::kChange}, {"worse", FailOn::kWorse}, {"never", FailOn::kNever}};
  return all;
}

struct Options {
  std::string base;
  std::string changed;
  std::string policy = "default";
  std::vector<std::string> tolerances;
  std::optional<std::uint64_t> seeds;
  std::optional<double> confidence;
  std::optional<std::size_t> parallel;
  std::string fail_on = "change";
  std::string junit;
  std::string markdown;
  bool github = false;
  bool same_scenario = false;
  bool json = false;
};

/// The page of a job of GitHub Actions, which steps add to.
class StepSummary {
 public:
  StepSummary() {
    const char* const name = std::getenv("GITHUB_STEP_SUMMARY");
    if (name == nullptr || *name == '\0') {
      throw InputError(
          "--github: GITHUB_STEP_SUMMARY is not set; expected a job of GitHub Actions (--markdown "
          "FILE writes the same page)");
    }
    name_ = name;
    file_.open(name_, std::ios::app | std::ios::binary);
    check();
  }
  void add(const std::string& text) {
    file_ << text << std::flush;
    check();
  }

 private:
  void check() const {
    if (!file_) throw InputError("--github: " + name_ + " cannot be written");
  }
  std::string name_;
  std::ofstream file_;
};

CompareOptions compare_options(const Options& options) {
  CompareOptions found;
  found.same_scenario = options.same_scenario;
  std::vector<std::string> names;
  for (const auto& [name, kind] : fail_on_names()) names.push_back(name);
  const auto kind = fail_on_names().find(options.fail_on);
  if (kind == fail_on_names().end()) {
    throw_unknown_name("--fail-on", "kind of change", options.fail_on, names);
  }
  found.fail_on = kind->second;
  found.confidence = options.confidence.value_or(found.confidence);
  if (!(found.confidence > 0 && found.confidence < 1)) {
    throw InputError("--confidence: expected a number between 0 and 1, such as 0.95");
  }
  return found;
}

void print(const Options& options, const Json& comparison, bool stdout_taken) {
  const bool comparable = comparison["outcome"] != "not_comparable";
  if (options.json) {
    std::cout << readable_json(comparison, 1) << '\n';
  } else if (options.github) {
    std::cout << compare_annotations(comparison);
  } else if (comparable && !stdout_taken) {
    std::cout << compare_text(comparison);
  }
}

int compare(const Options& options) {
  ComparePolicy policy = read_compare_policy(options.policy);
  for (const std::string& setting : options.tolerances) set_tolerance(policy, setting);
  const CompareOptions how = compare_options(options);
  // Before the runs, so that a file that cannot be written costs no simulation.
  std::optional<OutputFile> junit;
  std::optional<OutputFile> markdown;
  std::optional<StepSummary> summary;
  if (!options.junit.empty()) junit.emplace(options.junit, "--junit");
  if (!options.markdown.empty()) markdown.emplace(options.markdown, "--markdown");
  if (options.github) summary.emplace();

  const SeedsWanted seeds{options.seeds.value_or(1), options.parallel.value_or(usable_cores())};
  const std::vector<ComparedRuns> runs = load_compared(options.base, options.changed, seeds);
  if (options.confidence && runs[0].summaries.size() == 1) {
    throw InputError("--confidence: one run has no noise to tell from a change; expected --seeds");
  }
  const Json comparison = compare_runs(runs[0], runs[1], policy, how);
  if (junit) junit->stream() << compare_junit(comparison);
  if (markdown) markdown->stream() << compare_markdown(comparison);
  if (junit) junit->commit();
  if (markdown) markdown->commit();
  if (summary) summary->add(compare_markdown(comparison));
  print(options, comparison, (junit && junit->is_stdout()) || (markdown && markdown->is_stdout()));
  if (comparison["outcome"] == "not_comparable") {
    std::cout.flush();
    std::cerr << "cleave: " << options.base << " and " << options.changed
              << " are not comparable: " << comparison["reason"].get<std::string>() << '\n';
    return kNotComparable;
  }
  return comparison["failures"] == 0 ? kSame : kChanged;
}

void add_compare(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* compare_app = app.add_subcommand(
      "compare",
      with_example(
          "Compares two runs of the same workload, or of several seeds, metric by metric. Exit "
          "code: 0 same, 1 changed beyond a tolerance (see --fail-on), 2 bad input, 3 not "
          "comparable.",
          "cleave compare main.json new-policy.json --seeds 10 --fail-on worse"));
  compare_app
      ->add_option("BASE", options->base,
                   "results folder, summary.json, or scenario, which is then run; or\n"
                   "results.db:NAME, a point of a sweep with its seeds")
      ->required();
  compare_app->add_option("NEW", options->changed, "the same")->required();
  compare_app
      ->add_option("--tolerance", options->tolerances,
                   "how much one metric may change: ttft.p99=1%, or in its\n"
                   "unit: ttft.p99=0.05, or the larger of both: ttft.p99=1%,0.05")
      ->type_name("METRIC=TOLERANCE")
      ->allow_extra_args(false);
  compare_app
      ->add_option("--policy", options->policy,
                   "metrics with direction and tolerance: a file (JSON) or a\nbuilt-in name")
      ->capture_default_str();
  compare_app
      ->add_option("--seeds", options->seeds,
                   "run both scenarios with so many seeds, in pairs: a change within\n"
                   "their noise is none")
      ->check(WholeNumber(2));
  compare_app->add_option("--confidence", options->confidence,
                          "with several seeds: how sure that no change is by chance; 0.95");
  compare_app
      ->add_option("-j", options->parallel, "simulations at a time; default: the cores there are")
      ->check(WholeNumber(1));
  compare_app
      ->add_option("--fail-on", options->fail_on,
                   "what exit code 1 is for: change (for better or worse), worse, never")
      ->capture_default_str();
  compare_app->add_option("--junit", options->junit, "write a JUnit report; - is standard output")
      ->type_name("FILE");
  compare_app
      ->add_option("--markdown", options->markdown, "write a Markdown table; - is standard output")
      ->type_name("FILE");
  compare_app->add_flag("--github", options->github,
                        "in GitHub Actions: annotate the changes, and add the table to the\n"
                        "page of the job");
  compare_app->add_flag("--same-scenario", options->same_scenario,
                        "not comparable unless the whole scenario is the same, not\n"
                        "only the workload: for comparing builds of cleave");
  compare_app->add_flag("--json", options->json, "print JSON and nothing else")
      ->excludes("--github");
  compare_app->callback([options, &action] { action = [options] { return compare(*options); }; });
}

const Command kCommand{40, add_compare};

}  // namespace

}  // namespace cleave
