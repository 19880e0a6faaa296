#include <iostream>
#include <memory>
#include <optional>

#include "sim/base/error.h"
#include "sim/cli/command.h"
#include "sim/cli/sweep_progress.h"
#include "sim/explore/mpi_ranks.h"
#include "sim/report/table.h"

namespace cleave {

namespace {

constexpr int kFailedPoints = 4;

struct Options {
  std::string spec;
  std::vector<std::string> settings;
  std::string out;
  std::optional<std::size_t> parallel;
  std::string shard;
  std::optional<std::uint64_t> shards;
  bool retry_failed = false;
  bool quiet = false;
};

void print_counts(const PointQueue& queue, const std::string& out) {
  const auto count = [](std::uint64_t number) { return grouped(static_cast<double>(number)); };
  std::cout << count(queue.done()) << " points run";
  if (queue.already() > 0) std::cout << ", " << count(queue.already()) << " were there already";
  if (queue.failed() > 0) {
    std::cout << ", " << count(queue.failed()) << " failed (cleave results " << out
              << " --where \"status != done\")";
  }
  std::cout << "; results in " << out << '\n';
}

/// Runs the sweep in this process and its children, or through `ranks` where there are any.
int sweep(const Options& options, MpiRanks* ranks) {
  const Shard shard =
      options.shard.empty() ? shard_of_environment(options.shards) : parse_shard(options.shard);
  const SweepSpec spec = load_sweep(options.spec, options.settings);
  check_readable(spec);
  ResultsStore store(options.out, spec);
  if (options.retry_failed) store.forget_failures();
  std::optional<SweepProgress> progress(std::in_place, options.quiet);
  PointQueue queue(spec, store, shard, [&](const PointQueue& now) {
    progress->show(now.already() + now.done(), now.total(), now.already(), now.failed());
  });
  if (ranks != nullptr) {
    ranks->serve(queue);
  } else {
    run_points(queue, options.parallel.value_or(usable_cores()));
  }
  progress.reset();
  if (!options.quiet) print_counts(queue, options.out);
  return queue.failed() > 0 ? kFailedPoints : 0;
}

int run(const Options& options) {
  if (!is_mpi_run()) return sweep(options, nullptr);
  MpiRanks ranks;
  if (ranks.is_first()) return sweep(options, &ranks);
  try {
    ranks.work(options.parallel.value_or(1));
  } catch (const std::exception& error) {
    // The first process would wait for this one.
    std::cerr << "cleave: " << sentence_of(error) << '\n';
    ranks.abort(1);
  }
  return 0;
}

void add_sweep(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* sweep_app = app.add_subcommand(
      "sweep",
      with_example(
          "Runs a family of scenarios; started again, it goes on where it was. Exit code: 4 "
          "where points failed.",
          "cleave sweep hh-design-space --out results.db"));
  sweep_app
      ->add_option("SPEC", options->spec,
                   "what varies (JSON; see docs/sweeps.md), or a built-in name")
      ->required();
  sweep_app->add_option("--out", options->out, "results (SQLite)")->type_name("DB")->required();
  sweep_app->add_option("--set", options->settings, "one setting of all points: path=value")
      ->type_name("PATH=VALUE");
  sweep_app
      ->add_option("-j", options->parallel,
                   "points at a time; default: the cores there are, one for each process of "
                   "mpirun")
      ->check(WholeNumber(1));
  CLI::Option* shard = sweep_app->add_option(
      "--shard", options->shard, "only part i of n; default: as a Slurm or Kubernetes array says");
  shard->type_name("i/n");
  sweep_app
      ->add_option("--shards", options->shards, "number of parts, where the array does not say")
      ->check(WholeNumber(1))
      ->excludes(shard);
  sweep_app->add_flag("--retry-failed", options->retry_failed, "run failed points again");
  sweep_app->add_flag("--quiet", options->quiet, "print nothing but errors");
  sweep_app->callback([options, &action] { action = [options] { return run(*options); }; });
}

const Command kCommand{30, add_sweep};

}  // namespace

}  // namespace cleave
