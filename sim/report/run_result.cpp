#include "sim/report/run_result.h"

#include <filesystem>

#include "sim/base/error.h"
#include "sim/base/files.h"
#include "sim/metrics/metrics.h"

namespace cleave {

namespace fs = std::filesystem;

namespace {

/// What summary.json must hold; the rest is shown where it is there.
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

}  // namespace

std::string result_name(const std::string& path) {
  fs::path whole = fs::path(path).lexically_normal();
  if (whole.filename().empty()) whole = whole.parent_path();
  const std::string name = whole.filename().string();
  return name.empty() || name == "." || name == ".." ? path : name;
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

}  // namespace cleave
