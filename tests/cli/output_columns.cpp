#include <sstream>

#include "sim/base/json_reader.h"
#include "tests/catch.h"
#include "tests/cli/run_cleave.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

std::string document(const std::string& name = "docs/output.md") {
  std::ifstream in(CLEAVE_SOURCE_DIR "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The part of docs/output.md under the heading of a file.
std::string section(const std::string& file) {
  const std::string text = document();
  const std::size_t begin = text.find("\n## " + file + "\n");
  REQUIRE(begin != std::string::npos);
  return text.substr(begin, text.find("\n## ", begin + 1) - begin);
}

/// Every value of a summary is named by its key, alone or at the end of a path.
void check_named(const Json& at, const std::string& path, const std::string& text) {
  for (const auto& [key, value] : at.items()) {
    INFO(path << '.' << key);
    const Json& inner = value.is_array() && !value.empty() ? value[0] : value;
    // Distributions are described once; units are text.
    const bool described = key == "units" || (inner.is_object() && inner.contains("p99.9"));
    if (inner.is_object() && !described) {
      check_named(inner, path + "." + key, text);
    } else {
      CHECK((contains(text, "`" + key + "`") || contains(text, "." + key + "`") ||
             contains(text, "`" + key + "[]`")));
    }
  }
}

/// By its name, or as one of `ttft_*` with `p50`.
bool is_described(const std::string& column, const std::string& text) {
  if (contains(text, "`" + column + "`")) return true;
  for (std::size_t at = column.find('_'); at != std::string::npos; at = column.find('_', at + 1)) {
    if (contains(text, "`" + column.substr(0, at) + "_*`") &&
        contains(text, "`" + column.substr(at + 1) + "`")) {
      return true;
    }
  }
  return false;
}

}  // namespace

TEST_CASE("docs/output.md names every column and every field of the summary") {
  const TempFolder folder;
  const Outcome outcome =
      run_cleave({"run", "--set", "workload.duration_s=1", "--set", "power.budget_w=1", "--quiet",
                  "--out", folder.path("results")});
  REQUIRE(outcome.exit_code == 0);
  for (const std::string file : {"requests.csv", "machines.csv", "links.csv"}) {
    const std::string described = section(file);
    std::istringstream rows(folder.read("results/" + file));
    std::string header;
    std::getline(rows, header);
    std::istringstream columns(header);
    std::size_t at = 0;
    for (std::string column; std::getline(columns, column, ',');) {
      INFO(file << ": " << column);
      // In the order in which they stand in the file.
      const std::size_t found = described.find("\n| `" + column + "` |", at);
      CHECK(found != std::string::npos);
      if (found != std::string::npos) at = found;
    }
    CHECK(at > 0);
  }
  const Json summary = parse_json(folder.read("results/summary.json"), "summary.json");
  check_named(summary, "", document());
}

TEST_CASE("docs/sweeps.md names every column of a results database") {
  const TempFolder folder;
  const std::string spec = folder.write(
      "sweep.json",
      R"({"scenario": {"workload": {"duration_s": 1}}, "vary": {"workload.seed": [1]}})");
  const std::string database = folder.path("results.db");
  REQUIRE(run_cleave({"sweep", spec, "--out", database, "--quiet"}).exit_code == 0);
  std::istringstream rows(run_cleave({"results", database, "--csv"}).out);
  std::string header;
  std::getline(rows, header);
  std::istringstream columns(header);
  std::size_t count = 0;
  for (std::string column; std::getline(columns, column, ',');) {
    INFO(column);
    ++count;
    if (column != "workload.seed") CHECK(is_described(column, document("docs/sweeps.md")));
  }
  CHECK(count > 150);
}
