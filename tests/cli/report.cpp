#include "sim/base/json_reader.h"
#include "sim/report/html.h"
#include "tests/catch.h"
#include "tests/cli/refused.h"
#include "tests/cli/run_cleave.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

/// A small run's results in `folder`/`name`.
std::string run_into(const TempFolder& folder, const std::string& name) {
  const std::string out = folder.path(name);
  REQUIRE(
      run_cleave({"run", "--quiet", "--set", "workload.duration_s=2", "--out", out}).exit_code ==
      0);
  return out;
}

/// What the page carries.
Json results_in(const std::string& page) {
  const std::string begin = "<script type=\"application/json\" id=\"results\">";
  const std::size_t from = page.find(begin);
  REQUIRE(from != std::string::npos);
  const std::size_t to = page.find("</script>", from);
  return parse_json(page.substr(from + begin.size(), to - from - begin.size()), "page");
}

const std::string kPoints =
    R"([{"point": 0, "parameters": {"pools[0].count": 25, "batching.max_prompt_tokens": 2048},
         "metrics": {"cost_per_hour": 1234.56789, "slo_holds": 1, "ttft_std": 3}, "error": null},
        {"point": 1, "parameters": {"pools[0].count": 30}, "metrics": null,
         "error": "</script><b>no</b>"}])";

}  // namespace

TEST_CASE("report makes one page of a run that needs nothing else") {
  const TempFolder folder;
  const std::string results = run_into(folder, "a");
  const std::string page = folder.path("report.html");
  const Outcome outcome = run_cleave({"report", results + "/", "-o", page});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  CHECK(outcome.out == "Page in " + page + "\n");
  const std::string html = folder.read("report.html");
  CHECK(html.starts_with("<!DOCTYPE html>"));
  CHECK(contains(html, "default-src 'none'"));
  for (const char* outside : {"<link", "src=", "@import", "@data@", "@nonce@", "@code@"}) {
    // The chart library mentions some of these in its own text.
    CHECK_FALSE(contains(html.substr(0, html.find("<script nonce")), outside));
  }
  const Json carried = results_in(html);
  CHECK(carried.at("name") == "a");
  CHECK(carried.at("runs").size() == 1);
  CHECK(carried.at("runs")[0].at("scenario").at("llm") == "bloom-176b");
  CHECK(carried.at("runs")[0].at("summary").at("pools")[0].at("over_time").contains("transfers"));
  CHECK(carried.at("runs")[0].at("summary").at("cdf").contains("tpot_slowdown"));
  CHECK(run_cleave({"report", results, "-o", "-"}).out == html);
}

TEST_CASE("report of several runs names them apart and leaves out what it does not compare") {
  const TempFolder folder;
  const std::string a = run_into(folder, "x/same");
  const std::string b = run_into(folder, "y/same");
  const std::string c = run_into(folder, "c");
  const Json carried = results_in(run_cleave({"report", a, b, c, "-o", "-"}).out);
  CHECK(carried.at("runs").size() == 3);
  CHECK(carried.at("runs")[0].at("name") == a);
  CHECK(carried.at("runs")[2].at("name") == "c");
  CHECK_FALSE(carried.at("runs")[0].at("summary").contains("slowest_requests"));
}

TEST_CASE("report of a sweep carries its points as columns") {
  const TempFolder folder;
  const Json carried =
      results_in(run_cleave({"report", folder.write("points.json", kPoints), "-o", "-"}).out);
  CHECK(carried.at("kind") == "sweep");
  CHECK(carried.at("parameters") == parse_json(R"([{"name": "pools[0].count", "values": [25, 30]},
                       {"name": "batching.max_prompt_tokens", "values": [2048, null]}])",
                                               "expected"));
  CHECK(carried.at("metrics") ==
        parse_json(R"([{"name": "cost_per_hour", "values": [1234.57, null]},
                       {"name": "slo_holds", "values": [1, null]}])",
                   "expected"));
  CHECK(carried.at("errors")[1] == "</script><b>no</b>");
}

TEST_CASE("report shows a results database") {
  const TempFolder folder;
  const std::string spec = folder.write("sweep.json", R"({
    "scenario": {"workload": {"duration_s": 10}}, "vary": {"pools[0].count": [1, 25]}})");
  const std::string database = folder.path("results.db");
  REQUIRE(run_cleave({"sweep", spec, "--out", database, "--quiet"}).exit_code == 0);
  const Json carried = results_in(run_cleave({"report", database, "-o", "-"}).out);
  CHECK(carried.at("name") == "results.db");
  CHECK(carried.at("numbers") == Json({0, 1}));
  CHECK(carried.at("parameters")[0] ==
        parse_json(R"({"name": "pools[0].count", "values": [1, 25]})", "expected"));
  Json by_name;
  for (const Json& metric : carried.at("metrics")) by_name[metric.at("name")] = metric.at("values");
  CHECK(by_name.at("cost_per_hour") == Json({950, 1862}));
  CHECK(by_name.at("slo_holds") == Json({0, 1}));
  CHECK(by_name.at("slo_broken")[0] != "");
  CHECK(by_name.at("slo_broken")[1] == "");
}

TEST_CASE("report refuses what is no result, and leaves no page") {
  const TempFolder folder;
  const std::string results = run_into(folder, "a");
  const std::string page = folder.path("page.html");
  check_refused({"report", folder.path("none"), "-o", page}, "none: no such file or folder");
  check_refused({"report", folder.path(), "-o", page}, "expected summary.json in it");
  check_refused({"report", results}, "--out");
  const std::string points = folder.write("points.json", kPoints);
  check_refused({"report", results, points, "-o", page},
                "several results must all be folders of runs");
  check_refused({"report", folder.write("bad.json", "{}"), "-o", page},
                "expected a results database");
  check_refused({"report", folder.write("worse.json", "[{}]"), "-o", page},
                "worse.json: [0].parameters: is missing");
  const std::string scenario = folder.read("a/scenario.json");
  folder.write("a/scenario.json", "[]");
  check_refused({"report", results, "-o", page}, "scenario.json: expected an object");
  folder.write("a/scenario.json", scenario);
  folder.write("a/summary.json", R"({"schema_version": 1})");
  check_refused({"report", results, "-o", page},
                "summary.json: schema_version: written by another");
  folder.write("a/summary.json", R"({"schema_version": 2})");
  check_refused({"report", results, "-o", page}, "summary.json: requests: is missing");
  CHECK_FALSE(std::filesystem::exists(page));
}

TEST_CASE("the limit that breaks most is named") {
  const auto slo = [](const char* text) { return parse_json(text, "slo"); };
  CHECK(broken_limit(nullptr).empty());
  CHECK(broken_limit(slo(R"({"holds": true, "limits": []})")).empty());
  CHECK(broken_limit(slo(R"({"holds": false, "limits": [
      {"metric": "ttft", "percentile": "p99", "value": 9, "limit": 6, "holds": false},
      {"metric": "tpot", "percentile": "p50", "value": 4, "limit": 2, "holds": false}]})")) ==
        "tpot p50");
  CHECK(broken_limit(slo(R"({"holds": false, "limits": [
      {"metric": "ttft", "percentile": "p99", "value": 1, "limit": 6, "holds": true}]})")) ==
        "requests not served");
}
