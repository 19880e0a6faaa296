#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>

#include "sim/base/error.h"
#include "sim/base/files.h"
#include "sim/cli/command.h"
#include "sim/cli/output_file.h"
#include "sim/explore/run_database.h"
#include "sim/report/aiperf_metrics.h"
#include "sim/report/benchmark_report.h"
#include "sim/report/deployment.h"

namespace cleave {

namespace {

namespace fs = std::filesystem;

struct Options {
  std::string result;
  std::string format;
  std::string out = "-";
  std::string model;
  std::string image;
};

/// How a run, or a plan, is written; one of the two.
struct ExportFormat {
  Json (*of_run)(const RunResult& run) = nullptr;
  std::string (*of_plan)(const Json& plan, const DeployNames& names) = nullptr;
};

const std::map<std::string, ExportFormat>& formats() {
  static const std::map<std::string, ExportFormat> all{
      {"aiperf", {aiperf_metrics, nullptr}},
      {"dynamo", {nullptr, dynamo_yaml}},
      {"llm-d", {nullptr, llm_d_yaml}},
      {"llm-d-benchmark", {benchmark_report, nullptr}},
      {"sqlite", {}}};
  return all;
}

/// What in a file is not as Cleave writes it is the file's mistake.
template <class Write>
auto of_file(const std::string& file, const Write& write) {
  try {
    return write();
  } catch (const Json::exception& error) {
    throw InputError(file + ": not as cleave writes it: " + error.what());
  }
}

std::string run_text(const Options& options, const ExportFormat& format) {
  const RunResult run = read_run(options.result, result_name(options.result));
  return of_file(options.result, [&] { return readable_json(format.of_run(run), 1) + "\n"; });
}

std::string plan_text(const Options& options, const ExportFormat& format) {
  const Json plan = load_json(options.result);
  if (!plan.is_object() || plan.value("kind", Json()) != "plan") {
    throw InputError(options.result + ": expected the answer of a plan, as cleave plan --out " +
                     "writes it, for --as " + options.format);
  }
  check_plan(plan, options.result);
  DeployNames names{options.model, "IMAGE", options.result};
  if (!options.image.empty()) names.image = options.image;
  return of_file(options.result, [&] { return format.of_plan(plan, names); });
}

int export_sqlite(const Options& options) {
  if (options.out == "-") throw InputError("--out: expected a file for --as sqlite");
  read_run(options.result, "");  // what is wrong is said before a file is begun
  OutputFile out(options.out, "--out");
  write_run_database(options.result, out.path());
  out.commit();
  return 0;
}

int write_export(const Options& options) {
  const auto found = formats().find(options.format);
  if (found == formats().end()) {
    std::vector<std::string> names;
    for (const auto& [name, format] : formats()) names.push_back(name);
    throw_unknown_name("--as", "format", options.format, names);
  }
  if (!file_exists(options.result)) throw InputError(options.result + ": no such file or folder");
  const ExportFormat& format = found->second;
  if (format.of_plan == nullptr && !(options.model + options.image).empty()) {
    throw InputError("--model, --image: only for --as dynamo and llm-d");
  }
  if (options.format == "sqlite") return export_sqlite(options);
  const std::string text =
      format.of_plan == nullptr ? run_text(options, format) : plan_text(options, format);
  OutputFile out(options.out, "--out");
  out.stream() << text;
  out.commit();
  return 0;
}

void add_export(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "export",
      with_example("Writes a run, or the answer of a plan, for other tools: a run as AIPerf's "
                   "metrics (aiperf), as a benchmark report of llm-d (llm-d-benchmark) or as a "
                   "database (sqlite); a plan as what deploys it (dynamo, llm-d).",
                   "cleave export answer.json --as dynamo --out deploy.yaml"));
  command
      ->add_option("RESULT", options->result,
                   "folder of a run (--out), or answer of a plan (--out)")
      ->required();
  command->add_option("--as", options->format, "aiperf, dynamo, llm-d, llm-d-benchmark or sqlite")
      ->type_name("FORMAT")
      ->required();
  command->add_option("-o,--out", options->out, "the file; - (the default) for standard output")
      ->type_name("FILE");
  command
      ->add_option("--model", options->model,
                   "dynamo, llm-d: the model's name on Hugging Face; default: its profile's")
      ->type_name("NAME");
  command->add_option("--image", options->image, "dynamo, llm-d: the engine's container image")
      ->type_name("IMAGE");
  command->callback([options, &action] { action = [options] { return write_export(*options); }; });
}

const Command kCommand{61, add_export};

}  // namespace

}  // namespace cleave
