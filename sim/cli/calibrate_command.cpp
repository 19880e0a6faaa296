#include "sim/cli/calibrate_command.h"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>

#include "sim/base/error.h"
#include "sim/cli/output_file.h"
#include "sim/cli/progress.h"
#include "sim/explore/calibrate.h"
#include "sim/explore/process_pool.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

struct Options {
  std::vector<std::string> files;
  MeasuredSources sources;
  std::string engine;
  std::string out;
  std::optional<std::size_t> parallel;
};

/// Rows of closed loops of moderate size, on one pool, of this engine, with nothing assumed.
std::vector<MeasuredPoint> usable(const Options& options, const EngineProfile& start) {
  constexpr std::uint32_t kMostConcurrent = 512;
  std::vector<MeasuredPoint> points;
  for (const std::string& file : options.files) {
    for (MeasuredPoint& point : read_measured(file, options.sources)) {
      const bool fits = point.why_not.empty() && point.engine == start.kernels &&
                        point.layout != "split" && point.concurrency <= kMostConcurrent;
      if (fits) points.push_back(std::move(point));
    }
  }
  std::erase_if(points, [&](const MeasuredPoint& point) {
    try {
      read_scenario(scenario_of_point(point, options.sources));
      return false;
    } catch (const InputError&) {
      return true;
    }
  });
  return points;
}

void print(const EngineProfile& profile, const EngineProfile& start) {
  constexpr double kPercent = 100;
  std::cout << std::left << std::setw(44) << "costs" << std::right << std::setw(12) << "start"
            << std::setw(12) << "fitted" << '\n'
            << std::fixed << std::setprecision(2);
  for (const auto& [key, meaning, value, unit] : host_fields()) {
    std::cout << std::left << std::setw(44) << key << std::right << std::setw(12)
              << start.host.*value / unit << std::setw(12) << profile.host.*value / unit << '\n';
  }
  const auto print_factor = [](const char* what, double was, double is) {
    std::cout << std::left << std::setw(44) << what << std::right << std::setw(12) << was
              << std::setw(12) << is << '\n';
  };
  print_factor("efficiency of memory beside the tables", start.factors.memory,
               profile.factors.memory);
  print_factor("efficiency of products beside the tables", start.factors.compute,
               profile.factors.compute);
  std::cout << std::left << std::setw(44) << "median error, %" << std::right << std::setw(8)
            << "runs" << std::setw(10) << "TPOT" << std::setw(10) << "TTFT" << '\n';
  for (const EngineError& error : profile.errors) {
    std::cout << std::left << std::setw(44) << error.what << std::right << std::setw(8)
              << error.rows << std::setw(10) << error.tpot * kPercent << std::setw(10)
              << error.ttft * kPercent << '\n';
  }
}

/// Of these runs the error of TTFT is the load's.
void print_saturated(const Calibration& found) {
  const auto runs = std::count_if(found.sensitivity.begin(), found.sensitivity.end(),
                                  [](double percent) { return percent >= kSaturated; });
  if (runs == 0) {
    std::cout << "no run is near saturation: errors are the model's\n";
    return;
  }
  std::cout
      << runs << (runs == 1 ? " run is" : " runs are")
      << " near saturation, where iterations that are 1 % longer make TTFT more than 3 % longer: "
         "an error of TTFT there says little of the engine, and counts as much less\n";
}

int run(const Options& options) {
  const EngineProfile start = load_engine(options.engine, "--engine");
  const std::vector<MeasuredPoint> points = usable(options, start);
  CalibrationOptions how;
  how.parallel = options.parallel.value_or(usable_cores());
  Calibration found;
  {
    StatusLine status;
    how.progress = [&](std::size_t done, std::size_t all) {
      if (!status.due()) return;
      status.show(progress_bar(static_cast<double>(done) / static_cast<double>(all)) + " " +
                  std::to_string(done) + " of " + std::to_string(all) + " runs");
    };
    found = calibrate(points, options.sources, start, how);
  }
  OutputFile file(options.out, "--out");
  file.stream() << engine_json(found.profile).dump(2) << '\n';
  file.commit();
  std::cout
      << "fitted to " << points.size()
      << " runs of this engine that can be described, on one pool, of at most 512 requests at "
         "once\n";
  print(found.profile, start);
  print_saturated(found);
  return 0;
}

}  // namespace

void add_calibrate(CLI::App& profile, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* calibrate_app = profile.add_subcommand(
      "calibrate",
      with_example("Fits what an engine costs beside its kernels to measured runs, and says how "
                   "far off it is on runs that it was not fitted to.",
                   "cleave profile calibrate result.json --engine vllm --out my-server.json"));
  calibrate_app
      ->add_option("MEASURED", options->files, "measured runs, as cleave validate reads them")
      ->required();
  calibrate_app->add_option("--engine", options->engine, "the engine to begin with")->required();
  calibrate_app->add_option("--out", options->out, "file for the engine's profile")->required();
  calibrate_app->add_option("--scenario", options->sources.scenario,
                            "what the measurements do not say of the cluster (JSON)");
  calibrate_app
      ->add_option("--set", options->sources.settings, "one setting of all runs: path=value")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false);
  calibrate_app->add_option("-j", options->parallel, "runs at a time; default: the cores there are")
      ->check(WholeNumber(1));
  calibrate_app->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace cleave
