// Results databases: conditions on their rows, and rows that are not as they were written.

#include "sim/base/error.h"
#include "sim/explore/database.h"
#include "sim/explore/results_query.h"
#include "sim/explore/results_store.h"
#include "sim/explore/sweep_points.h"
#include "sim/explore/where_clause.h"
#include "sim/scenario/resolve.h"
#include "tests/catch.h"
#include "tests/cli/run_cleave.h"

using namespace cleave;
using Catch::Matchers::Contains;
using cleave::testing::TempFolder;

namespace {

SweepSpec small_spec(const std::vector<std::string>& settings = {}) {
  return {parse_json(R"({
      "scenario": {"llm": "llama2-70b", "workload": {"duration_s": 2, "rate_rps": 5}},
      "vary": {"pools[0].count": [1, 2, 3], "pools[1].machine": ["dgx-h100", "dgx-a100"]}})",
                     "spec.json"),
          "spec.json", settings};
}

JobResult done(double ttft_p99) {
  const Json slo{{"holds", ttft_p99 < 1}, {"limits", Json::array()}};
  return {Json{{"ttft", {{"p50", 1}, {"p99", ttft_p99}}}, {"slo", slo}}.dump(), ""};
}

/// Points 0 and 2 done, 3 failed, 4 died.
struct Results {
  TempFolder folder;
  std::string file = folder.path("results.db");
  SweepSpec spec = small_spec();

  Results() {
    ResultsStore store(file, spec);
    store.add(0, spec.scenario(0), done(2.25));
    store.add(2, spec.scenario(2), done(0.5));
    store.add(3, spec.scenario(3), {"", "it's broken"});
    store.add(4, spec.scenario(4), {"", "the run died: Killed", true});
  }

  std::vector<int> points(const std::string& where) const {
    std::vector<int> found;
    ResultsQuery query;
    query.columns = {"point"};
    query.where = {where};
    read_results(
        file, query, [](const auto&) {},
        [&](const auto& row) { found.push_back(row[0].template get<int>()); });
    return found;
  }

  /// The same after somebody has changed the file.
  void damage(const std::string& sql) const {
    Database database(file, Database::Mode::kWrite);
    database.run(sql);
  }
};

using Points = std::vector<int>;

}  // namespace

TEST_CASE("conditions on results are expressions of SQL") {
  const Results results;
  const auto points = [&](const char* where) { return results.points(where); };
  CHECK(points("ttft_p99 < 1 or status = failed") == Points{2, 3});
  CHECK(points("ttft_p99 > ttft_p50") == Points{0});
  CHECK(points("not (status = done)") == Points{3, 4});
  CHECK(points("status in (failed, died)") == Points{3, 4});
  CHECK(points("slo_holds") == Points{2});
  CHECK(points("slo_holds = FALSE") == Points{0});
  CHECK(points("ttft_p99 is null and point between 0 and 3") == Points{3});
  CHECK(points("pools[0].count * 2 >= 4 and \"pools[1].machine\" = 'dgx-h100'") == Points{2, 4});
  CHECK(points("error = 'it''s broken'") == Points{3});
  CHECK(points("error like '%Killed'") == Points{4});
  CHECK(points("round(ttft_p99) == 2 and abs(-1.5e0) = 1.5") == Points{0});
  CHECK(points("1--1 = 2") == Points{0, 2, 3, 4});
}

TEST_CASE("a condition that says something else than it seems to is refused") {
  const Results results;
  const auto refused = [&](const char* where, const char* why) {
    INFO(where);
    CHECK_THROWS_WITH(results.points(where), Contains("--where") && Contains(why));
  };
  refused("ttft_p9 < 1", "unknown column \"ttft_p9\"; did you mean \"ttft_p90\"?");
  refused("\"ttft_p9\" < 1", "unknown column \"ttft_p9\"");
  refused("pools[1].machine = dgx-h100", "unknown column \"dgx\"");
  refused("status = 'done", "expected another ' at the end");
  refused("point = 1; DROP TABLE points", "cannot be read from \"; DROP TABLE points\" on");
  refused("point in (select point from points)", "unknown column \"select\"");
  refused("randomblob(1000000000) = 1", "unknown column \"randomblob\"");
  refused("1) or (1", "cannot be read from \") or (1\" on");
  refused("(point", "brackets closed");
  refused("", "expected a condition");
  refused("point <", "syntax error");
  refused("max(point) = 1", "misuse of aggregate");
}

TEST_CASE("what has died is tried again, and without a point that is done a sweep begins anew") {
  const Results results;
  {
    ResultsStore again(results.file, results.spec);
    CHECK(again.has(3));
    CHECK(again.failed(3));
    CHECK_FALSE(again.has(4));
    again.add(4, results.spec.scenario(4), done(3));
    CHECK(again.has(4));
  }
  CHECK(results.points("status = done") == Points{0, 2, 4});
  const SweepSpec other = small_spec({"workload.seed=7"});
  CHECK_THROWS_WITH(ResultsStore(results.file, other), Contains("results of another sweep"));
  results.damage("DELETE FROM points WHERE status = 'done'");
  CHECK(ResultsStore(results.file, other).failed(3) == false);
  CHECK(results.points("1").empty());
}

TEST_CASE("a database of somebody else is refused as it is") {
  const TempFolder folder;
  const std::string file = folder.path("theirs.db");
  Database(file, Database::Mode::kWrite).run("CREATE TABLE t (x)");
  const std::string before = folder.read("theirs.db");
  CHECK_THROWS_WITH(ResultsStore(file, small_spec()), Contains("is no results database"));
  const Results results;
  CHECK_THROWS_WITH(merge_results(file, {results.file}), Contains("is no results database"));
  CHECK(folder.read("theirs.db") == before);
  CHECK(folder.names() == std::vector<std::string>{"theirs.db"});
}

TEST_CASE("a finished database has no log, so that it can be read where nothing can be written") {
  const Results results;
  constexpr std::size_t kReadVersion = 19;
  constexpr char kNoLog = 1;
  CHECK(results.folder.read("results.db")[kReadVersion] == kNoLog);
  CHECK(results.folder.names() == std::vector<std::string>{"results.db"});
}

TEST_CASE("damaged rows are named") {
  const auto error = [](const std::string& sql, const auto& use) -> std::string {
    const Results results;
    results.damage(sql);
    try {
      use(results);
    } catch (const InputError& damage) {
      return damage.what();
    }
    return "";
  };
  const auto report = [](const Results& results) { sweep_points(results.file); };
  const auto list = [](const Results& results) { main_columns(results.file); };
  const auto resume = [](const Results& results) { ResultsStore(results.file, results.spec); };
  const auto merge = [](const Results& results) {
    merge_results(results.folder.path("all.db"), {results.file});
  };
  CHECK_THAT(error("UPDATE points SET summary = '{' WHERE point = 2", report),
             Contains("results.db: point 2: summary: line 1: not valid JSON"));
  CHECK_THAT(error("UPDATE points SET summary = '{\"slo\": {\"holds\": false}}'", report),
             Contains("point 0: summary.slo.limits: is missing"));
  CHECK_THAT(error("UPDATE points SET summary = '[]'", report), Contains("expected an object"));
  for (const char* paths : {"x", "[1]", "{}"}) {
    const std::string sql =
        std::string("UPDATE sweep SET value = '") + paths + "' WHERE key = 'paths'";
    CHECK_THAT(error(sql, list), Contains("results.db: sweep.paths"));
    CHECK_THAT(error(sql, report), Contains("results.db: sweep.paths"));
  }
  CHECK_THAT(error("UPDATE sweep SET value = 'x' WHERE key = 'points'", merge),
             Contains("sweep.points: expected a whole number, found \"x\""));
  CHECK_THAT(error("UPDATE points SET point = 1000 WHERE point = 3", resume),
             Contains("has point 1000, but the sweep has 6"));
  CHECK_THAT(error("UPDATE points SET point = -1 WHERE point = 3", resume),
             Contains("has point -1"));
}
