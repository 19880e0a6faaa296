#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>

#include "models/latency_fit.h"
#include "sim/base/builtin.h"
#include "sim/base/error.h"
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
};

int fit(const FitOptions& options) {
  const Measurements measured = read_measurements(options.file, options.own);
  const auto profiles =
      fit_latencies(measured.rows, options.source.empty() ? measured.provenance : options.source,
                    options.licence);
  std::error_code error;
  fs::create_directories(options.out, error);
  if (error) throw InputError("--out " + options.out + ": cannot be made: " + error.message());
  std::vector<std::unique_ptr<OutputFile>> files;
  for (const LatencyProfile& profile : profiles) {
    files.push_back(std::make_unique<OutputFile>(
        (fs::path(options.out) / (profile.name() + ".json")).string(), "--out"));
    files.back()->stream() << latency_profile_json(profile).dump(1) << '\n';
  }
  for (const auto& file : files) file->commit();
  print_errors(profiles);
  print_left_out(profiles, std::cerr);
  return 0;
}

int check() {
  std::vector<LatencyProfile> profiles;
  for (const std::string& name : builtin_names("profiles/latency")) {
    profiles.push_back(*find_latency_profile(name));
  }
  print_errors(profiles);
  print_left_out(profiles, std::cout);
  return 0;
}

void add_profile(CLI::App& app, Action& action) {
  CLI::App* profile = app.add_subcommand(
      "profile", with_example("Latency profiles: fit them to measurements, check them.",
                              "cleave profile check"));
  profile->require_subcommand(1);

  auto options = std::make_shared<FitOptions>();
  CLI::App* fit_app = profile->add_subcommand(
      "fit", with_example("Fits latencies to a CSV of measurements, a JSON file for each LLM, GPU "
                          "and tensor-parallel degree.",
                          "cleave profile fit measurements.csv --out profiles/latency"));
  fit_app->add_option("FILE", options->file, "measurements (CSV)")->required();
  fit_app->add_option("--out", options->out, "folder for the profiles")->capture_default_str();
  fit_app->add_option("--gpu", options->own.gpus, "JSON file of a GPU that is not built in")
      ->allow_extra_args(false);
  fit_app->add_option("--llm", options->own.llms, "JSON file of an LLM that is not built in")
      ->allow_extra_args(false);
  fit_app->add_option("--source", options->source,
                      "where the measurements come from (default: the file's comments)");
  fit_app->add_option("--licence", options->licence, "their licence");
  fit_app->callback([options, &action] { action = [options] { return fit(*options); }; });

  CLI::App* check_app = profile->add_subcommand(
      "check",
      with_example("Prints the errors of the built-in latency profiles.", "cleave profile check"));
  check_app->callback([&action] { action = check; });
}

const Command kCommand{60, add_profile};

}  // namespace

}  // namespace cleave
