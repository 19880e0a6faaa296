#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>

#include "models/catalogue/llm_config.h"
#include "models/catalogue/profile_fields.h"
#include "models/fit/latency_fit.h"
#include "models/fit/operator_fit.h"
#include "models/fit/roofline_fit.h"
#include "sim/base/builtin.h"
#include "sim/base/error.h"
#include "sim/cli/calibrate_command.h"
#include "sim/cli/command.h"
#include "sim/cli/output_file.h"

namespace cleave {

namespace {

namespace fs = std::filesystem;

void print_errors(const std::vector<LatencyProfile>& profiles) {
  std::cout << std::left << std::setw(36) << "mean absolute error, %" << std::right << std::setw(6)
            << "rows" << std::setw(24) << "prefill fit/split/out" << std::setw(24)
            << "decode fit/split/out" << '\n'
            << std::fixed << std::setprecision(2);
  constexpr double kPercent = 100;
  for (const LatencyProfile& profile : profiles) {
    std::cout << std::left << std::setw(36) << profile.name() << std::right << std::setw(6)
              << profile.rows;
    for (const FitError* error : {&profile.prefill_error, &profile.decode_error}) {
      std::cout << std::setw(10) << error->all * kPercent << std::setw(7) << error->split * kPercent
                << std::setw(7) << error->leave_one_out * kPercent;
    }
    std::cout << '\n';
  }
  std::cout << "fit: on the rows of the fit; split: on a fifth of the rows, fitted to the others;\n"
               "out: on each batch configuration, fitted to the others\n";
}

void print_left_out(const std::vector<LatencyProfile>& profiles, std::ostream& out) {
  for (const LatencyProfile& profile : profiles) {
    for (const std::string& why : profile.left_out) {
      out << profile.name() << ": left out: " << why << '\n';
    }
  }
}

struct FitOptions {
  std::string file;
  std::string out = "profiles/latency";
  OwnProfiles own;
  std::string source;
  std::string licence;
  std::string software;
};

/// What is going to stand in a profile.
void check_texts(const FitOptions& options) {
  require_utf8(options.source, "--source");
  require_utf8(options.licence, "--licence");
  require_utf8(options.software, "--software");
  for (const std::string& file : options.own.llms) require_utf8(short_name(file), "--llm");
  for (const std::string& file : options.own.gpus) require_utf8(short_name(file), "--gpu");
}

int fit(const FitOptions& options) {
  check_texts(options);
  const Measurements measured = read_measurements(options.file, options.own);
  auto profiles =
      fit_latencies(measured.rows, options.source.empty() ? measured.provenance : options.source,
                    options.licence);
  std::error_code error;
  fs::create_directories(options.out, error);
  if (error) throw InputError("--out " + options.out + ": cannot be made: " + error.message());
  std::vector<std::unique_ptr<OutputFile>> files;
  for (LatencyProfile& profile : profiles) {
    profile.software = options.software;
    files.push_back(std::make_unique<OutputFile>(
        (fs::path(options.out) / (profile.name() + ".json")).string(), "--out"));
    files.back()->stream() << latency_profile_json(profile).dump(1) << '\n';
  }
  for (const auto& file : files) file->commit();
  print_errors(profiles);
  print_left_out(profiles, std::cerr);
  return 0;
}

void print_roofline(const Roofline& roofline) {
  constexpr double kPercent = 100;
  std::cout << std::left << std::setw(44) << "roofline: mean absolute error, %" << std::right
            << std::setw(6) << "rows" << std::setw(10) << "prefill" << std::setw(10) << "decode"
            << '\n'
            << std::fixed << std::setprecision(1);
  for (const Roofline::Error& error : roofline.errors) {
    std::cout << std::left << std::setw(44) << error.what << std::right << std::setw(6)
              << error.rows << std::setw(10) << error.prefill * kPercent << std::setw(10)
              << error.decode * kPercent << '\n';
  }
}

int fit_all(const FitOptions& options) {
  check_texts(options);
  const Measurements measured = read_measurements(options.file, options.own);
  Roofline roofline = fit_roofline(measured.rows, options.own);
  roofline.source = options.source.empty() ? measured.provenance : options.source;
  roofline.licence = options.licence;
  OutputFile file(options.out, "--out");
  file.stream() << roofline_json(roofline).dump(1) << '\n';
  file.commit();
  print_roofline(roofline);
  return 0;
}

int check() {
  std::vector<LatencyProfile> profiles;
  for (const std::string& name : builtin_names("profiles/latency")) {
    profiles.push_back(*find_latency_profile(name));
  }
  print_errors(profiles);
  print_left_out(profiles, std::cout);
  std::cout << '\n';
  print_roofline(load_roofline());
  return 0;
}

int import_llm(const std::string& config, const std::string& out) {
  const Json llm = llm_from_config(load_json(config), config);
  if (out.empty()) {
    std::cout << llm.dump(2) << '\n';
    return 0;
  }
  OutputFile file(out, "--out");
  file.stream() << llm.dump(2) << '\n';
  file.commit();
  return 0;
}

void add_import(CLI::App& profile, Action& action) {
  auto config = std::make_shared<std::string>();
  auto out = std::make_shared<std::string>();
  CLI::App* llm_app = profile.add_subcommand(
      "llm", with_example("Turns the config.json of an LLM, as Hugging Face keeps it, into a "
                          "profile that scenarios can name.",
                          "cleave profile llm config.json --out my-llm.json"));
  llm_app->add_option("CONFIG", *config, "config.json of the LLM")->required();
  llm_app->add_option("--out", *out, "file for the profile; default: standard output");
  llm_app->callback(
      [config, out, &action] { action = [config, out] { return import_llm(*config, *out); }; });
}

struct OperatorOptions {
  std::string folder;
  std::string gpu;
  std::string out;
  std::string source;
  std::string licence;
};

void print_operators(const OperatorTable& table) {
  constexpr double kPercent = 100;
  constexpr double kMicro = 1e6;
  std::cout << std::left << std::setw(44) << "of the data sheet, %" << std::right << std::setw(8)
            << "rows" << std::setw(10) << "call, us" << std::setw(10) << "memory" << std::setw(10)
            << "compute" << std::setw(10) << "error" << '\n'
            << std::fixed << std::setprecision(1);
  for (const MeasuredOperator& one : table.measured) {
    const bool reduces = one.op == Operator::kAllReduce;
    std::cout << std::left << std::setw(44)
              << operator_name(one.op) + " " + one.engine + " " + one.version + " " +
                     (reduces ? std::to_string(one.gpus) + " GPUs" : format_name(one.format))
              << std::right << std::setw(8) << one.rows << std::setw(10) << one.fit.call_s * kMicro
              << std::setw(10) << one.fit.memory * kPercent << std::setw(10)
              << one.fit.compute * kPercent << std::setw(10) << one.fit.error * kPercent << '\n';
  }
  std::cout << "memory: of the bandwidth (all-reduces: of the link's); error: median\n";
  for (const std::string& why : table.left_out) std::cout << "left out: " << why << '\n';
}

int fit_kernels(const OperatorOptions& options) {
  require_utf8(options.source, "--source");
  require_utf8(options.licence, "--licence");
  OperatorTable table = fit_operators(options.folder, load_gpu(options.gpu, "--gpu"));
  table.source = options.source;
  table.licence = options.licence;
  OutputFile file(options.out.empty() ? "profiles/operators/" + table.gpu + ".json" : options.out,
                  "--out");
  file.stream() << operator_table_json(table).dump(1) << '\n';
  file.commit();
  print_operators(table);
  return 0;
}

void add_operators(CLI::App& profile, Action& action) {
  auto options = std::make_shared<OperatorOptions>();
  CLI::App* app = profile.add_subcommand(
      "operators",
      with_example(
          "Fits the kernels of a GPU to tables of their times: how near they come to the "
          "data sheet.",
          "cleave profile operators tables/h100_sxm --gpu h100-80gb --out h100-80gb.json"));
  app->add_option("FOLDER", options->folder,
                  "tables like gemm__vllm__0.24.0.csv.gz, as aiconfigurator has them")
      ->required();
  app->add_option("--gpu", options->gpu, "GPU that they were measured on")->required();
  app->add_option("--out", options->out, "file for the fits; default: profiles/operators/GPU.json");
  app->add_option("--source", options->source, "where the tables come from");
  app->add_option("--licence", options->licence, "their licence");
  app->callback([options, &action] { action = [options] { return fit_kernels(*options); }; });
}

void add_fit_options(CLI::App& app, FitOptions& options, const std::string& what_out) {
  app.add_option("FILE", options.file, "measurements (CSV)")->required();
  app.add_option("--out", options.out, what_out)->capture_default_str();
  app.add_option("--gpu", options.own.gpus, "JSON file of a GPU that is not built in")
      ->allow_extra_args(false);
  app.add_option("--llm", options.own.llms, "JSON file of an LLM that is not built in")
      ->allow_extra_args(false);
  app.add_option("--source", options.source,
                 "where the measurements come from (default: the file's comments)");
  app.add_option("--licence", options.licence, "their licence");
}

void add_profile(CLI::App& app, Action& action) {
  CLI::App* profile = app.add_subcommand(
      "profile", with_example("Profiles: fit latencies to measurements, check them, import LLMs.",
                              "cleave profile check"));
  profile->require_subcommand(1);

  auto options = std::make_shared<FitOptions>();
  CLI::App* fit_app = profile->add_subcommand(
      "fit", with_example("Fits latencies to a CSV of measurements, a JSON file for each LLM, GPU "
                          "and tensor-parallel degree.",
                          "cleave profile fit measurements.csv --out profiles/latency"));
  add_fit_options(*fit_app, *options, "folder for the profiles");
  fit_app->add_option("--software", options->software,
                      "what was measured, as results say it: \"vLLM 0.19, 2026\"");
  fit_app->callback([options, &action] { action = [options] { return fit(*options); }; });

  auto all = std::make_shared<FitOptions>();
  all->out = "profiles/roofline/measured.json";
  CLI::App* roofline_app = profile->add_subcommand(
      "roofline", with_example("Fits the factors of the roofline model to all of a CSV of "
                               "measurements at once; prints its errors on what it was fitted to "
                               "and on what it was not.",
                               "cleave profile roofline measurements.csv --out roofline.json"));
  add_fit_options(*roofline_app, *all, "file for the factors");
  roofline_app->callback([all, &action] { action = [all] { return fit_all(*all); }; });

  add_operators(*profile, action);
  add_calibrate(*profile, action);
  add_import(*profile, action);

  CLI::App* check_app = profile->add_subcommand(
      "check",
      with_example("Prints the errors of the built-in latency profiles and of the roofline.",
                   "cleave profile check"));
  check_app->callback([&action] { action = check; });
}

const Command kCommand{60, add_profile};

}  // namespace

}  // namespace cleave
