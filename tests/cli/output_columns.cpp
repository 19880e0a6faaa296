// What the documentation and the built-in policy say of figures is what the figures say of
// themselves. After a change of figures, this program puts them right:
//     CLEAVE_UPDATE=1 build/tests/test_cli "[figures]"

#include <sstream>

#include "sim/base/json_reader.h"
#include "sim/metrics/figures.h"
#include "tests/catch.h"
#include "tests/cli/document.h"
#include "tests/cli/run_cleave.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

/// The tables that the program makes, each with the line above it that says of what.
std::vector<std::string> tables_of(const std::string& kind) {
  const std::string text = run_cleave({"list", kind, "--markdown"}).out;
  std::vector<std::string> tables;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t next = std::min(text.find("\n<!-- ", at), text.size() - 1);
    tables.push_back(text.substr(at, next - at));
    at = next + 1;
    while (tables.back().ends_with('\n')) tables.back().pop_back();
  }
  return tables;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// Puts `table` where `text` has the first line of it, and perhaps a table below it.
bool put_table(std::string& text, const std::string& table) {
  const std::string line = first_line(table);
  const std::size_t begin = text.find(line);
  if (begin == std::string::npos) return false;
  std::size_t end = begin + line.size();
  if (text.compare(end, 3, "\n\n|") == 0) {
    end = std::min(text.find("\n\n", end + 3), text.find_last_not_of('\n') + 1);
  }
  text.replace(begin, end - begin, table);
  return true;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

/// What figures say of their comparison, as a policy. Of an object, first what more is better of.
std::string default_policy() {
  std::vector<Figure> all = figures();
  std::erase_if(all, [](const Figure& figure) { return figure.better.within.empty(); });
  const auto object = [](const Figure& figure) {
    return figure.path.substr(0, figure.path.rfind('.') + 1);
  };
  for (auto begin = all.begin(); begin != all.end();) {
    const auto end = std::find_if(
        begin, all.end(), [&](const Figure& figure) { return object(figure) != object(*begin); });
    std::stable_partition(begin, end,
                          [](const Figure& figure) { return figure.better.way == Better::kMore; });
    begin = end;
  }
  std::string rules;
  for (const auto& [path, unit, column, better, meaning, distribution] : all) {
    std::vector<std::string> names;
    for (const std::string& statistic : better.statistics) names.push_back(path + "." + statistic);
    if (!distribution) names.push_back(path);
    const bool relative = contains(better.within, "%");
    for (const std::string& name : names) {
      rules += std::string(rules.empty() ? "" : ",\n") + "    \"" + name +
               "\": { \"direction\": \"" + (better.way == Better::kMore ? "higher" : "lower") +
               "\", \"tolerance\": " + (relative ? '"' + better.within + '"' : better.within) +
               " }";
    }
  }
  return "{\n  \"summary\": \"what a change of a scheduling policy should not make worse "
         "unnoticed\",\n  \"metrics\": {\n" +
         rules + "\n  }\n}\n";
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

/// By its name, or as one of `ttft_*` with `p50`; those of a pool with N for its number.
bool is_described(std::string column, const std::string& text) {
  if (column.starts_with("pool0_") || column.starts_with("pool1_")) column[4] = 'N';
  if (contains(text, "| `" + column + "` |")) return true;
  for (std::size_t at = column.find('_'); at != std::string::npos; at = column.find('_', at + 1)) {
    if (contains(text, "| `" + column.substr(0, at) + "_*` |") &&
        contains(text, "`" + column.substr(at + 1) + "`")) {
      return true;
    }
  }
  return false;
}

}  // namespace

TEST_CASE("docs/ has the tables of figures that the program makes", "[figures]") {
  std::string output = document();
  std::string sweeps = document("docs/sweeps.md");
  const std::vector<std::string> tables = tables_of("figures");
  CHECK(tables.size() > 10);
  CHECK(count(output + sweeps, "by: cleave list figures --markdown -->") == tables.size());
  for (const std::string& table : tables) {
    INFO("expected this line in docs/output.md or docs/sweeps.md: " << first_line(table));
    CHECK(put_table(output, table) != put_table(sweeps, table));
  }
  check_document("docs/output.md", output);
  check_document("docs/sweeps.md", sweeps);
}

TEST_CASE("docs/output.md has AIPerf's names beside Cleave's", "[figures]") {
  std::string output = document();
  const std::vector<std::string> tables = tables_of("aiperf");
  REQUIRE(tables.size() == 1);
  CHECK(put_table(output, tables[0]));
  check_document("docs/output.md", output);
}

TEST_CASE("the policy \"default\" compares what the figures say", "[figures]") {
  check_document("profiles/compare/default.json", default_policy());
}

TEST_CASE("docs/output.md names every column and every field of the summary") {
  const TempFolder folder;
  const Outcome outcome =
      run_cleave({"run", "--set", "workload.duration_s=1", "--set", "power.budget_w=1", "--quiet",
                  "--out", folder.path("results")});
  REQUIRE(outcome.exit_code == 0);
  for (const std::string file : {"requests.csv", "machines.csv", "links.csv", "series.csv"}) {
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

TEST_CASE("docs/output.md names every statistic of a distribution") {
  for (const char* statistic : kStatistics) {
    INFO(statistic);
    CHECK(contains(section("summary.json"), std::string("`") + statistic + "`"));
  }
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
