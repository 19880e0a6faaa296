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
#include "sim/report/html.h"
#include "sim/report/run_result.h"

namespace cleave {

namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> results;
  std::string out;
};

/// Results by the last part of their path, or by the whole path where that is not theirs alone.
std::vector<std::string> names_of(const std::vector<std::string>& results) {
  std::vector<std::string> names;
  for (const std::string& result : results) {
    const std::string name = result_name(result);
    const auto same = std::count_if(results.begin(), results.end(), [&](const std::string& other) {
      return result_name(other) == name;
    });
    names.push_back(same > 1 ? result : name);
  }
  return names;
}

std::vector<RunResult> read_runs(const std::vector<std::string>& folders) {
  const std::vector<std::string> names = names_of(folders);
  std::vector<RunResult> runs;
  for (std::size_t i = 0; i < folders.size(); ++i) runs.push_back(read_run(folders[i], names[i]));
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
  if (is_database(file)) return sweep_page(result_name(file), database_points(file));
  Json json = load_json(file);
  if (json.is_object() && json.value("kind", Json()) == "plan") {
    check_plan(json, file);
    return plan_page(result_name(file), std::move(json));
  }
  if (json.is_object() && json.value("kind", Json()) == "validation") {
    check_validation(json, file);
    return validation_page(result_name(file), std::move(json));
  }
  check_points(json, file);
  return sweep_page(result_name(file), json);
}

/// The answer of a plan that is one of several.
Json read_answer(const std::string& file) {
  std::error_code none;
  const bool other = fs::is_directory(file, none) || is_database(file);
  Json plan = other ? Json() : load_json(file);
  if (!plan.is_object() || plan.value("kind", Json()) != "plan") {
    throw InputError(file + ": several results must all be folders of runs, or all answers of " +
                     "plans");
  }
  check_plan(plan, file);
  return plan;
}

std::string page_of_plans(const std::vector<std::string>& files) {
  std::vector<Json> plans;
  for (const std::string& file : files) plans.push_back(read_answer(file));
  return plans_page(names_of(files), std::move(plans));
}

std::string page_of(const std::vector<std::string>& results) {
  std::size_t folders = 0;
  for (const std::string& result : results) {
    if (!file_exists(result)) throw InputError(result + ": no such file or folder");
    std::error_code none;
    if (fs::is_directory(result, none)) ++folders;
  }
  if (folders == results.size()) return runs_page(read_runs(results));
  return results.size() == 1 ? page_of_file(results.front()) : page_of_plans(results);
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
      "report", with_example("Makes one HTML page, which needs no network, of a run, of a sweep, "
                             "of a plan or of a validation, or of several runs or several plans "
                             "side by side.",
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
