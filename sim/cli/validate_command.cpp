#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>

#include "sim/base/error.h"
#include "sim/cli/command.h"
#include "sim/cli/output_file.h"
#include "sim/cli/progress.h"
#include "sim/explore/process_pool.h"
#include "sim/explore/validate.h"
#include "sim/report/html.h"

namespace cleave {

namespace {

struct Options {
  std::vector<std::string> files;
  MeasuredSources sources;
  std::optional<std::size_t> parallel;
  std::string keep;
  std::string html;
  bool json = false;
};

std::string percents(const Json& figures) {
  if (figures.is_null()) return "-";
  const auto whole = [&](const char* key) {
    constexpr double kPercent = 100;
    return std::to_string(std::lround(kPercent * figures[key].get<double>()));
  };
  const std::string bias = whole("bias");
  return whole("median") + " / " + whole("mean") + " / " + whole("p90") + " (" +
         (bias.starts_with('-') ? "" : "+") + bias + ")";
}

void print(const Json& result) {
  constexpr int kName = 44;
  constexpr int kCell = 22;
  std::cout << result["covered"] << " of " << result["rows"]
            << " measured runs can be described; errors in %, absolute: median / mean / P90 "
               "(signed: median)\n";
  std::cout << std::left << std::setw(kName) << "" << std::right << std::setw(6) << "runs"
            << std::setw(kCell) << "TPOT" << std::setw(kCell) << "TTFT" << std::setw(kCell) << "E2E"
            << std::setw(kCell) << "throughput" << '\n';
  for (const Json& group : result["groups"]) {
    std::cout << std::left << std::setw(kName) << group["name"].get<std::string>() << std::right
              << std::setw(6) << group["covered"].get<std::size_t>();
    for (const char* figure : {"tpot", "ttft", "e2e", "throughput"}) {
      std::cout << std::setw(kCell) << percents(group[figure]);
    }
    std::cout << '\n';
  }
  for (const Json& reason : result["not_described"]) {
    std::cout << "not described: " << reason["rows"] << ", " << reason["why"].get<std::string>()
              << '\n';
  }
}

int run(const Options& options) {
  std::optional<OutputFile> page;
  if (!options.html.empty()) page.emplace(options.html, "--html");
  std::vector<MeasuredPoint> points;
  for (const std::string& file : options.files) {
    for (MeasuredPoint& point : read_measured(file, options.sources)) {
      points.push_back(std::move(point));
    }
  }
  std::vector<ValidatedPoint> validated;
  {
    StatusLine status(options.json);
    validated = validate(
        points, options.sources, options.parallel.value_or(usable_cores()),
        [&](std::size_t done) {
          if (!status.due()) return;
          status.show(progress_bar(static_cast<double>(done) / static_cast<double>(points.size())) +
                      " " + std::to_string(done) + " of " + std::to_string(points.size()) +
                      " runs");
        },
        options.keep);
  }
  const Json result = validation_json(validated);
  if (page) {
    page->stream() << validation_page(options.files.front(), result);
    page->commit();
  }
  if (options.json) {
    std::cout << result.dump(2) << '\n';
  } else {
    print(result);
  }
  if (result["covered"] == 0) {
    throw InputError("none of the measured runs can be described" +
                     (result["not_described"].empty()
                          ? std::string()
                          : ": " + result["not_described"][0]["why"].get<std::string>()));
  }
  return 0;
}

void add_validate(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* validate_app = app.add_subcommand(
      "validate",
      with_example("Simulates measured runs of serving engines, and says how far off it is.",
                   "cleave validate silicon_sample.csv"));
  validate_app
      ->add_option("MEASURED", options->files,
                   "what was measured: rows of aiconfigurator, a BLIS trace (CSV), requests of a "
                   "vLLM run or "
                   "of AIPerf (JSON lines), results of vllm bench serve, AIPerf or GuideLLM (JSON)")
      ->required();
  validate_app->add_option("--scenario", options->sources.scenario,
                           "what the measurements do not say of the cluster (JSON)");
  validate_app
      ->add_option("--set", options->sources.settings, "one setting of all runs: path=value")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false);
  validate_app->add_option("-j", options->parallel, "runs at a time; default: the cores there are")
      ->check(WholeNumber(1));
  validate_app
      ->add_option("--keep", options->keep,
                   "keeps predictions in this file, so that the same command goes on where it was")
      ->type_name("FILE");
  validate_app
      ->add_option("--html", options->html,
                   "writes a page of every run: predicted against measured, and errors by group")
      ->type_name("PAGE");
  validate_app->add_flag("--json", options->json, "print all figures as JSON");
  validate_app->callback([options, &action] { action = [options] { return run(*options); }; });
}

const Command kCommand{65, add_validate};

}  // namespace

}  // namespace cleave
