#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "sim/base/error.h"
#include "sim/base/files.h"
#include "sim/cli/command.h"
#include "sim/cli/output_file.h"
#include "sim/explore/sweep_points.h"
#include "sim/metrics/metrics.h"
#include "sim/report/html.h"

namespace cleave {

namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> results;
  std::string out;
};

/// The last folder of a path: "results/a/" is "a".
std::string short_name(const std::string& result) {
  fs::path path = fs::path(result).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();
  const std::string name = path.filename().string();
  return name.empty() || name == "." || name == ".." ? result : name;
}

/// What summary.json must hold for a page; the rest is shown where it is there.
void check_summary(const Json& summary, const std::string& file) {
  JsonReader reader(summary, file);
  if (reader.integer("schema_version", 1, 1000) != kSummaryVersion) {
    throw InputError(file + ": schema_version: written by another version of cleave; expected " +
                     std::to_string(kSummaryVersion));
  }
  for (const char* part :
       {"requests", "ttft", "tpot", "e2e", "tokens", "cost", "power", "steady"}) {
    reader.object(part);
  }
  if (reader.objects("pools").empty()) throw InputError(file + ": pools: expected at least one");
}

RunResult read_run(const std::string& folder, const std::string& name) {
  const auto file = [&](const char* part) { return (fs::path(folder) / part).string(); };
  if (!file_exists(file("summary.json"))) {
    throw InputError(folder + ": no results of a run: expected summary.json in it, as cleave run " +
                     "--out writes it");
  }
  RunResult run{name, load_json(file("summary.json")), load_json(file("scenario.json"))};
  check_summary(run.summary, file("summary.json"));
  const JsonReader object(run.scenario, file("scenario.json"));  // refuses anything else
  return run;
}

/// Runs by the last folder of their path, or by the whole path where that is not theirs alone.
std::vector<RunResult> read_runs(const std::vector<std::string>& folders) {
  std::vector<RunResult> runs;
  for (const std::string& folder : folders) {
    const std::string name = short_name(folder);
    const auto same = std::count_if(folders.begin(), folders.end(), [&](const std::string& other) {
      return short_name(other) == name;
    });
    runs.push_back(read_run(folder, same > 1 ? folder : name));
  }
  return runs;
}

bool is_database(const std::string& file) {
  constexpr std::string_view kMagic = "SQLite format 3";
  std::ifstream in(file, std::ios::binary);
  std::string begin(kMagic.size(), '\0');
  in.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  return begin == kMagic;
}

/// The points of a results database, with the limit that breaks most in words.
Json database_points(const std::string& file) {
  Json points = sweep_points(file);
  if (points.empty()) throw InputError(file + ": has no points yet; expected at least one");
  for (Json& point : points) {
    if (!point["slo"].is_null()) point["metrics"]["slo_broken"] = broken_limit(point["slo"]);
  }
  return points;
}

/// What plan.json must hold for a page; the rest is shown where it is there.
void check_plan(const Json& plan, const std::string& file) {
  JsonReader reader(plan, file);
  reader.object("scenario").object("workload");
  reader.object("budget");
  reader.numbers("seeds");
  if (reader.objects("candidates").empty()) reader.fail("candidates", "expected at least one");
  reader.name("goal", "goal", {"cost", "power", "machines", "throughput"});
  reader.objects("infeasible");
  if (!reader.has("optimum")) return;
  reader.object("optimum").object("verified");
  for (const char* list : {"designs", "ties", "headroom"}) reader.objects(list);
}

/// What cleave validate --json prints must hold for a page.
void check_validation(const Json& validation, const std::string& file) {
  JsonReader reader(validation, file);
  for (const char* count : {"rows", "covered"}) reader.integer(count, 0, 1'000'000'000);
  for (const char* list : {"groups", "not_described", "points"}) reader.objects(list);
}

/// The points of a sweep as JSON, for sweep_page().
void check_points(const Json& points, const std::string& file) {
  if (!points.is_array() || points.empty()) {
    throw InputError(file + ": expected a results database, the points of a sweep as a list, or " +
                     "what cleave plan --json or cleave validate --json prints, but it is " +
                     json_kind(points));
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    JsonReader point(points[i], file + ": [" + std::to_string(i) + "]");
    point.object("parameters");
    if (point.has("metrics")) point.object("metrics");
  }
}

/// The page of a sweep's database, of its points as JSON, or of a plan.
std::string page_of_file(const std::string& file) {
  if (is_database(file)) return sweep_page(short_name(file), database_points(file));
  Json json = load_json(file);
  if (json.is_object() && json.value("kind", Json()) == "plan") {
    check_plan(json, file);
    return plan_page(short_name(file), std::move(json));
  }
  if (json.is_object() && json.value("kind", Json()) == "validation") {
    check_validation(json, file);
    return validation_page(short_name(file), std::move(json));
  }
  check_points(json, file);
  return sweep_page(short_name(file), json);
}

std::string page_of(const std::vector<std::string>& results) {
  for (const std::string& result : results) {
    if (!file_exists(result)) throw InputError(result + ": no such file or folder");
    std::error_code none;
    if (fs::is_directory(result, none)) continue;
    if (results.size() > 1) {
      throw InputError(result + ": not the folder of a run; several results must all be runs");
    }
    return page_of_file(result);
  }
  return runs_page(read_runs(results));
}

int report(const Options& options) {
  const std::string page = page_of(options.results);
  OutputFile out(options.out, "--out");
  out.stream() << page;
  out.commit();
  if (!out.is_stdout()) std::cout << "Page in " << options.out << '\n';
  return 0;
}

void add_report(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "report", with_example("Makes one HTML page, which needs no network, of a run, of several "
                             "runs side by side, of a sweep, of a plan or of a validation.",
                             "cleave report results -o report.html"));
  command
      ->add_option(
          "RESULT", options->results,
          "folder of a run (--out), results database of a sweep, answer of a plan (--out), or "
          "what validate --json prints")
      ->required();
  command->add_option("-o,--out", options->out, "the page; - for standard output")
      ->type_name("FILE")
      ->required();
  command->callback([options, &action] { action = [options] { return report(*options); }; });
}

const Command kCommand{60, add_report};

}  // namespace

}  // namespace cleave
