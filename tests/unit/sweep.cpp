#include "sim/explore/sweep.h"

#include <cstdlib>
#include <set>

#include "sim/base/error.h"
#include "sim/explore/results_query.h"
#include "sim/scenario/resolve.h"
#include "tests/catch.h"
#include "tests/cli/run_cleave.h"
#include "tests/support/simulation.h"

using namespace cleave;
using Catch::Matchers::Contains;
using cleave::testing::TempFolder;

namespace {

SweepSpec spec_of(const std::string& text, const std::vector<std::string>& settings = {}) {
  return {parse_json(text, "spec.json"), "spec.json", settings};
}

const std::string kSmall = R"({
  "scenario": {"llm": "llama2-70b", "workload": {"duration_s": 2, "rate_rps": 5}},
  "vary": {"pools[0].count": {"from": 1, "to": 3}, "pools[1].machine": ["dgx-h100", "dgx-a100"]}})";

bool holds(const std::string& constraint, const Json& scenario) {
  return Constraint(constraint, "where[0]").holds(scenario);
}

std::vector<std::vector<Json>> rows_of(const std::string& file, const ResultsQuery& query) {
  std::vector<std::vector<Json>> rows;
  read_results(
      file, query, [](const auto&) {}, [&](const auto& row) { rows.push_back(row); });
  return rows;
}

JobResult summary_with(double ttft_p99) {
  return {Json{{"ttft", {{"p99", ttft_p99}}}, {"slo", {{"holds", ttft_p99 < 1}}}}.dump(), ""};
}

/// A database of kSmall with points 0 and 2 done and point 3 failed.
std::string small_results(const TempFolder& folder, const SweepSpec& spec) {
  const std::string file = folder.path("results.db");
  ResultsStore store(file, spec);
  store.add(2, spec.scenario(2), summary_with(0.5));
  store.add(0, spec.scenario(0), summary_with(2.25));
  store.add(3, spec.scenario(3), {"", "it, \"broke\""});
  return file;
}

}  // namespace

TEST_CASE("a sweep numbers the points of its grid, the last path varying fastest") {
  const SweepSpec spec = spec_of(kSmall);
  CHECK(spec.size() == 6);
  CHECK(spec.paths() == std::vector<std::string>{"pools[0].count", "pools[1].machine"});
  CHECK(spec.values(0) == std::vector<Json>{1, "dgx-h100"});
  CHECK(spec.values(1) == std::vector<Json>{1, "dgx-a100"});
  CHECK(spec.values(5) == std::vector<Json>{3, "dgx-a100"});
  const Json scenario = spec.scenario(5);
  CHECK(scenario["pools"][0]["count"] == 3);
  CHECK(scenario["pools"][1]["machine"] == "dgx-a100");
  CHECK(scenario["workload"]["rate_rps"] == 5);
  CHECK(scenario["workload"]["seed"] == default_scenario()["workload"]["seed"]);
}

TEST_CASE("ranges of whole and of other numbers include their end") {
  const SweepSpec spec =
      spec_of(R"({"vary": {"workload.rate_rps": {"from": 0.1, "to": 0.3, "step": 0.1}}})");
  REQUIRE(spec.size() == 3);
  CHECK(spec.values(1)[0] == 0.2);
  CHECK(spec.values(2)[0] == 0.3);
  const SweepSpec odd = spec_of(R"({"vary": {"pools[0].count": {"from": 1, "to": 6, "step": 2}}})");
  REQUIRE(odd.size() == 3);
  CHECK(odd.values(2)[0].dump() == "5");
}

TEST_CASE("constraints choose points, and listed points are combined with the grid") {
  const SweepSpec sums = spec_of(R"({
    "vary": {"pools[0].count": {"from": 1, "to": 39}, "pools[1].count": {"from": 1, "to": 39}},
    "where": ["pools[0].count + pools[1].count = 40"]})");
  REQUIRE(sums.size() == 39);
  CHECK(sums.values(0) == std::vector<Json>{1, 39});
  CHECK(sums.values(38) == std::vector<Json>{39, 1});
  const SweepSpec listed = spec_of(R"({
    "points": [{"pools[0].count": 25, "pools[1].count": 15}, {"pools[0].count": 17}],
    "vary": {"workload.seed": [1, 2]}})");
  REQUIRE(listed.size() == 4);
  CHECK(listed.values(1) == std::vector<Json>{25, 15, 2});
  CHECK(listed.values(2) == std::vector<Json>{17, nullptr, 1});
}

TEST_CASE("constraints compare sums of the scenario's numbers, its price and its power") {
  const Json scenario = merge_scenario(
      default_scenario(),
      parse_json(R"({"pools": [{"role": "prompt", "machine": "dgx-h100", "count": 25},
                               {"role": "token", "machine": "dgx-h100", "count": 15}]})",
                 "scenario"));
  CHECK(holds("pools[0].count + pools[1].count = 40", scenario));
  CHECK(holds("2*pools[1].count - pools[0].count == 5", scenario));
  CHECK(holds("pools[0].count * 0.1 + 0.2 = 2.7", scenario));
  CHECK(holds("pools[1].count<=pools[0].count", scenario));
  CHECK_FALSE(holds("pools[1].count >= pools[0].count", scenario));
  CHECK(holds("-pools[0].count < -24", scenario));
  CHECK(holds("cost_per_hour = 1520", scenario));
  CHECK(holds("cost_per_hour = 38 * pools[0].count + 570", scenario));
  CHECK(holds("provisioned_w <= 440000", scenario));
  CHECK_FALSE(holds("provisioned_w < 440000", scenario));
}

TEST_CASE("a wrong specification is refused with the place") {
  const auto refused = [](const std::string& text, const std::string& message) {
    INFO(text);
    CHECK_THROWS_WITH(spec_of(text), Contains(message));
  };
  refused(R"({})", "spec.json: vary: expected the paths that vary");
  refused(R"({"varry": {}})", "unknown key \"varry\"");
  refused(R"({"vary": {"pools[0].count": []}})", "spec.json: vary.pools[0].count: expected a list");
  refused(R"({"vary": {"pools[0].count": [1, 1]}})", "the value 1 is there twice");
  refused(R"({"vary": {"pools[0].count": {"from": 3, "to": 1}}})", "vary.pools[0].count.to");
  refused(R"({"vary": {"workload.seed": [1]}, "where": ["pools[0].count = "]})",
          "where[0]: \"pools[0].count = \": expected two sums compared");
  refused(R"({"vary": {"workload.seed": [1]}, "where": ["pools[0].cuont = 3"]})",
          "pools[0].cuont is no number of the scenario");
  for (const char* path :
       {"pools[].count", "pools[-].count", "pools[1", "pools[18446744073709551615].count",
        "pools[99999999999999999999].count"}) {
    refused(std::string(R"({"vary": {"workload.seed": [1]}, "where": [")") + path + " < 1\"]}",
            "spec.json: where[0]: ");
  }
  refused(R"({"vary": {"workload.seed": [1]}, "where": ["pools[0].count > 30"]})",
          "no point of the grid");
  refused(R"({"vary": {"a": {"from": 1, "to": 99999}, "b": {"from": 1, "to": 99999}}})",
          "more than 100000000 points");
  refused(R"({"points": [{"llm": "x"}], "vary": {"llm": ["y"]}})", "llm varies twice");
}

TEST_CASE("a sweep is the same as long as its points are") {
  const SweepSpec spec = spec_of(kSmall);
  CHECK(spec.hash() == spec_of(kSmall).hash());
  CHECK(spec.hash() != spec_of(kSmall, {"workload.seed=7"}).hash());
  CHECK(spec_of(kSmall, {"workload.seed=7"}).scenario(0)["workload"]["seed"] == 7);
}

TEST_CASE("a database keeps every point once and goes on with its own sweep only") {
  const TempFolder folder;
  const SweepSpec spec = spec_of(kSmall);
  const std::string file = small_results(folder, spec);
  {
    ResultsStore again(file, spec);
    CHECK(again.has(0));
    CHECK_FALSE(again.has(1));
    CHECK(again.has(3));
    again.forget_failures();
    CHECK_FALSE(again.has(3));
  }
  const SweepSpec other = spec_of(kSmall, {"workload.seed=7"});
  CHECK_THROWS_WITH(ResultsStore(file, other), Contains("holds the results of another sweep"));
  const std::string text = folder.write("notes.txt", std::string(5000, 'x'));
  CHECK_THROWS_WITH(ResultsStore(text, spec), Contains("not a database"));
  CHECK(folder.read("notes.txt") == std::string(5000, 'x'));
}

TEST_CASE("results are filtered, sorted and limited") {
  const TempFolder folder;
  const std::string file = small_results(folder, spec_of(kSmall));
  using Rows = std::vector<std::vector<Json>>;
  ResultsQuery query;
  query.columns = {"point", "pools[0].count", "ttft_p99"};
  CHECK(rows_of(file, query) == Rows{{0, 1, 2.25}, {2, 2, 0.5}, {3, 2, nullptr}});
  query.sort = "ttft_p99";
  CHECK(rows_of(file, query) == Rows{{2, 2, 0.5}, {0, 1, 2.25}, {3, 2, nullptr}});
  query.descending = true;
  query.limit = 1;
  CHECK(rows_of(file, query) == Rows{{0, 1, 2.25}});
  query = {{"point"}, {"ttft_p99 < 1 AND slo_holds = true"}, "", false, {}};
  CHECK(rows_of(file, query) == Rows{{2}});
  query.where = {"status = failed", "error = 'it, \"broke\"'"};
  CHECK(rows_of(file, query) == Rows{{3}});
  CHECK(rows_of(file, {{"point"}, {}, "", false, {}}).size() == 3);
}

TEST_CASE("shards are merged, and what succeeded in one of them counts") {
  const TempFolder folder;
  const SweepSpec spec = spec_of(kSmall);
  const std::string first = small_results(folder, spec);
  const std::string second = folder.path("second.db");
  {
    ResultsStore store(second, spec);
    store.add(3, spec.scenario(3), summary_with(3));
    store.add(5, spec.scenario(5), summary_with(5));
  }
  const std::string out = folder.path("merged.db");
  const MergeCount count = merge_results(out, {second, first});
  CHECK(count.merged == 4);
  CHECK(count.points == 6);
  using Rows = std::vector<std::vector<Json>>;
  const ResultsQuery query{{"point", "status", "ttft_p99"}, {}, "", false, {}};
  CHECK(rows_of(out, query) ==
        Rows{{0, "done", 2.25}, {2, "done", 0.5}, {3, "done", 3}, {5, "done", 5}});
  const std::string other = folder.path("other.db");
  { ResultsStore store(other, spec_of(kSmall, {"workload.seed=7"})); }
  CHECK_THROWS_WITH(merge_results(out, {other}), Contains("results of another sweep"));
  CHECK_THROWS_WITH(merge_results(folder.path("new.db"), {first, other}),
                    Contains("another sweep"));
  CHECK_THROWS_WITH(merge_results(out, {out}), Contains("both an input and the output"));
  CHECK(folder.names() ==
        std::vector<std::string>{"merged.db", "other.db", "results.db", "second.db"});
}

TEST_CASE("shards divide the points, counted from 0") {
  CHECK(parse_shard("0/3").has(3));
  CHECK_FALSE(parse_shard("0/3").has(4));
  for (const char* wrong : {"3/3", "", "1", "/3", "1/", "1/0", "4/3", "-1/3", "1/3x"}) {
    CHECK_THROWS_WITH(parse_shard(wrong), Contains("expected i/n"));
  }
}

TEST_CASE("a job array says which shard this is") {
  const auto shard = [](const std::vector<std::pair<const char*, const char*>>& variables,
                        std::optional<std::uint64_t> count = {}) {
    return in_child([&] {
      for (const auto& [name, value] : variables) setenv(name, value, 1);
      const Shard found = shard_of_environment(count);
      return std::to_string(found.index) + "/" + std::to_string(found.count);
    });
  };
  CHECK(shard({}) == "0/1");
  CHECK(shard({{"SLURM_ARRAY_TASK_ID", "5"},
               {"SLURM_ARRAY_TASK_COUNT", "3"},
               {"SLURM_ARRAY_TASK_MIN", "4"},
               {"SLURM_ARRAY_TASK_MAX", "6"}}) == "1/3");
  CHECK(shard({{"SLURM_ARRAY_TASK_ID", "2"}, {"SLURM_ARRAY_TASK_COUNT", "3"}}) == "2/3");
  CHECK(shard({{"JOB_COMPLETION_INDEX", "2"}, {"JOB_COMPLETIONS", "4"}}) == "2/4");
  CHECK(shard({{"JOB_COMPLETION_INDEX", "2"}}, 5) == "2/5");
  CHECK_THROWS_WITH(shard({{"JOB_COMPLETION_INDEX", "2"}}), Contains("--shards n"));
  CHECK_THROWS_WITH(shard({}, 5), Contains("--shards"));
  CHECK_THROWS_WITH(shard({{"SLURM_ARRAY_TASK_ID", "7"},
                           {"SLURM_ARRAY_TASK_COUNT", "3"},
                           {"SLURM_ARRAY_TASK_MIN", "1"},
                           {"SLURM_ARRAY_TASK_MAX", "7"}}),
                    Contains("gaps"));
}

TEST_CASE("every single number of a summary has a column") {
  const Json summary =
      simulate_changes({{"workload", {{"duration_s", 5}}},
                        {"batching", {{"policy", "vllm"}}},
                        {"kv_cache", {{"prefix_caching", true}}},
                        {"scaling", {{"policy", "reactive"}}},
                        {"classes", Json::array({{{"name", "one"},
                                                  {"workload",
                                                   {{"trace", "azure-2023-conv"},
                                                    {"rate_rps", 10},
                                                    {"duration_s", 5},
                                                    {"sessions", {{"turns", 2}}}}}}})},
                        {"power", {{"usd_per_kwh", 0.1}, {"g_co2_per_kwh", 300}}},
                        {"fabric", {{"topology", "star"}}}});
  std::set<std::string> columns;
  for (const MetricColumn& column : metric_columns(summary["pools"].size())) {
    CHECK(columns.insert(column.where.to_string()).second);
    CHECK_FALSE(metric_value(summary, column).is_null());
  }
  const auto missing = [&](const Json& object, const std::string& where) {
    for (const auto& item : object.items()) {
      const std::string path = where + "/" + item.key();
      if (item.value().is_number() || item.value().is_boolean()) CHECK(columns.contains(path));
    }
  };
  for (const auto& item : summary.items()) {
    if (item.value().is_object() && item.key() != "units") missing(item.value(), "/" + item.key());
  }
  for (std::size_t i = 0; i < summary["pools"].size(); ++i) {
    missing(summary["pools"][i], "/pools/" + std::to_string(i));
  }
  const Json compact = compact_summary(summary);
  CHECK(compact["ttft"] == summary["ttft"]);
  CHECK_FALSE(compact.contains("cdf"));
  CHECK(compact.dump().size() < 16'000);
}
