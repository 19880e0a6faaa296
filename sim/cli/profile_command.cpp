#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <memory>

#include "models/latency_fit.h"
#include "sim/base/builtin.h"
#include "sim/base/error.h"
#include "sim/cli/command.h"

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
    for (const std::string& batch : profile.left_out) std::cout << "  left out: " << batch << '\n';
  }
  std::cout << "fit: on the rows of the fit; split: on a fifth of the rows, fitted to the others;\n"
               "out: on each batch configuration, fitted to the others\n";
}

int fit(const std::string& file, const std::string& folder, const std::string& source,
        const std::string& licence) {
  const auto profiles = fit_latencies(read_measurements(file), source, licence);
  fs::create_directories(folder);
  for (const LatencyProfile& profile : profiles) {
    std::ofstream out(fs::path(folder) / (profile.name() + ".json"));
    out << latency_profile_json(profile).dump(1) << '\n';
    if (!out) throw InputError(folder + ": cannot be written");
  }
  print_errors(profiles);
  return 0;
}

int check() {
  std::vector<LatencyProfile> profiles;
  for (const std::string& name : builtin_names("profiles/latency")) {
    profiles.push_back(*find_latency_profile(name));
  }
  print_errors(profiles);
  return 0;
}

void add_profile(CLI::App& app, Action& action) {
  CLI::App* profile = app.add_subcommand(
      "profile", with_example("Latency profiles: fit them to measurements, check them.",
                              "cleave profile check"));
  profile->require_subcommand(1);

  struct Options {
    std::string file;
    std::string out = "profiles/latency";
    std::string source;
    std::string licence;
  };
  auto options = std::make_shared<Options>();
  CLI::App* fit_app = profile->add_subcommand(
      "fit", with_example("Fits latencies to a CSV of measurements, a JSON file for each LLM, GPU "
                          "and tensor-parallel degree.",
                          "cleave profile fit measurements.csv --out profiles/latency"));
  fit_app->add_option("FILE", options->file, "measurements (CSV)")->required();
  fit_app->add_option("--out", options->out, "folder for the profiles")->capture_default_str();
  fit_app->add_option("--source", options->source, "where the measurements come from");
  fit_app->add_option("--licence", options->licence, "their licence");
  fit_app->callback([options, &action] {
    action = [options] {
      return fit(options->file, options->out, options->source, options->licence);
    };
  });

  CLI::App* check_app = profile->add_subcommand(
      "check",
      with_example("Prints the errors of the built-in latency profiles.", "cleave profile check"));
  check_app->callback([&action] { action = check; });
}

const Command kCommand{60, add_profile};

}  // namespace

}  // namespace cleave
