#include "sim/base/json_reader.h"
#include "tests/catch.h"
#include "tests/cli/refused.h"
#include "tests/cli/run_cleave.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

using Names = std::vector<std::string>;

/// A run of a few milliseconds, and the same under a policy that keeps the phases together.
const std::string kScenario = R"({
  "workload": {"prompt_tokens": 1500, "output_tokens": 20, "arrivals": "poisson", "rate_rps": 20,
               "duration_s": 5, "seed": 1},
  "pools": [{"role": "prompt", "machine": "dgx-h100", "count": 2},
            {"role": "token", "machine": "dgx-h100", "count": 1}],
  "slo": {"limits": {"ttft": {"p90": 0.5}}}})";

Json scenario() { return parse_json(kScenario, "scenario"); }

/// The summary of one small run; made once for all cases.
const Json& base_summary() {
  static const Json summary = [] {
    const TempFolder folder;
    const Outcome outcome = run_cleave({"run", folder.write("scenario.json", kScenario), "--json"});
    return parse_json(outcome.out, "stdout");
  }();
  return summary;
}

/// Two summaries in a folder, the second with changes.
class Pair {
 public:
  explicit Pair(const Json& changes = Json::object()) {
    Json changed = base_summary();
    changed.merge_patch(changes);
    folder.write("base.json", base_summary().dump());
    folder.write("new.json", changed.dump());
  }
  Outcome compare(Names options = {}) const {
    options.insert(options.begin(), {"compare", folder.path("base.json"), folder.path("new.json")});
    return run_cleave(options);
  }
  Json json(Names options = {}) const {
    options.emplace_back("--json");
    return parse_json(compare(options).out, "stdout");
  }
  TempFolder folder;
};

Json scaled(const char* group, const char* metric, double factor) {
  return {{group, {{metric, base_summary()[group][metric].get<double>() * factor}}}};
}

std::string verdict(const Json& comparison, const std::string& metric) {
  for (const Json& row : comparison["metrics"]) {
    if (row["metric"] == metric) return row["verdict"];
  }
  return "not compared";
}

}  // namespace

TEST_CASE("compare: the same run is the same") {
  const Pair pair;
  const Outcome outcome = pair.compare();
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  CHECK(contains(outcome.out, "  ttft.p99"));
  CHECK(contains(outcome.out, "\nAll 24 metrics are within their tolerance\n"));
}

TEST_CASE("compare: beyond its tolerance a metric is better or worse, and the exit code is 1") {
  CHECK(Pair(scaled("ttft", "p99", 1.0099)).compare().exit_code == 0);
  const Pair worse(scaled("ttft", "p99", 1.0101));
  CHECK(worse.compare().exit_code == 1);
  CHECK(verdict(worse.json(), "ttft.p99") == "worse");
  CHECK(worse.json()["worse"] == 1);
  CHECK(contains(worse.compare().out, "1 of 24 metrics changed beyond their tolerance: 1 worse\n"));

  const Pair better(scaled("ttft", "p99", 0.5));
  CHECK(better.compare().exit_code == 1);
  CHECK(verdict(better.json(), "ttft.p99") == "better");
  // Of throughput, more is better.
  CHECK(verdict(Pair(scaled("tokens", "output_per_s", 2)).json(), "tokens.output_per_s") ==
        "better");
  CHECK(verdict(Pair(scaled("cost", "requests_per_usd", 0.5)).json(), "cost.requests_per_usd") ==
        "worse");
  CHECK(
      verdict(Pair(Json{{"slo", {{"holds", !base_summary()["slo"]["holds"].get<bool>()}}}}).json(),
              "slo.holds") != "same");
}

TEST_CASE("compare: exactly the tolerance is within it") {
  const Pair pair(Json{{"ttft", {{"p99", 1.01}}}});
  pair.folder.write("base.json", [] {
    Json base = base_summary();
    base["ttft"]["p99"] = 1;
    return base.dump();
  }());
  CHECK(pair.compare().exit_code == 0);
  CHECK(pair.compare({"--tolerance", "ttft.p99=0.01"}).exit_code == 0);
  CHECK(pair.compare({"--tolerance", "ttft.p99=0.0099"}).exit_code == 1);
  CHECK(pair.compare({"--tolerance", "ttft.p99=0"}).exit_code == 1);
}

TEST_CASE("compare: what was 0 has no relative change") {
  const Pair pair(Json{{"requests", {{"rejected", 3}}}});
  CHECK(pair.compare().exit_code == 1);
  CHECK(pair.compare({"--tolerance", "requests.rejected=50%"}).exit_code == 1);
  CHECK(pair.compare({"--tolerance", "requests.rejected=3"}).exit_code == 0);
  CHECK(contains(pair.compare().out, "+3.00"));
}

TEST_CASE("compare: --tolerance takes any number of a summary") {
  const Pair pair(Json{{"ttft", {{"p99.9", 100}, {"p99", 100}}}, {"events", 1}});
  CHECK(pair.compare({"--tolerance", "ttft.p99=1000%"}).exit_code == 1);
  const Names loose{"--tolerance", "ttft.p99=100000%"};
  CHECK(pair.compare(loose).exit_code == 0);
  const auto with = [&](const std::string& one) {
    Names options = loose;
    options.insert(options.end(), {"--tolerance", one});
    return options;
  };
  // The figure itself says which way is better, also where it is not compared unasked.
  CHECK(verdict(pair.json(with("ttft.p99.9=1%")), "ttft.p99.9") == "worse");
  CHECK(verdict(pair.json(with("events=1%")), "events") == "changed");
  CHECK(pair.compare(with("pools[1].utilization=0")).exit_code == 0);
  CHECK(verdict(pair.json({"--tolerance", "pools[1].utilization=0"}), "pools[1].utilization") ==
        "same");
}

TEST_CASE("compare: a policy file says what is compared") {
  const Pair pair(Json{{"ttft", {{"p99", 100}}}, {"served_rps", 1e6}});
  const auto policy = [&](const std::string& text) {
    return Names{"--policy", pair.folder.write("policy.json", text)};
  };
  const Json json = pair.json(policy(
      R"({"metrics": {"ttft.p99": {"direction": "higher", "tolerance": "1%"},
                      "served_rps": {"direction": "either", "tolerance": 5},
                      "e2e.mean": {"direction": "lower", "tolerance": "0%"}}})"));
  CHECK(json["metrics"].size() == 3);
  CHECK(verdict(json, "ttft.p99") == "better");
  CHECK(verdict(json, "served_rps") == "changed");
  CHECK(verdict(json, "e2e.mean") == "same");
  CHECK(json["changed"] == 1);

  const auto refused = [&](const std::string& text, const std::string& part) {
    Names arguments{"compare", pair.folder.path("base.json"), pair.folder.path("new.json")};
    const Names options = policy(text);
    arguments.insert(arguments.end(), options.begin(), options.end());
    check_refused(arguments, part);
  };
  refused(R"({"metrics": {"ttft.p9": {"direction": "lower", "tolerance": "1%"}}})",
          "policy.json: unknown metric \"ttft.p9\"; did you mean \"ttft.p90\"?");
  refused(R"({"metrics": {"ttft.p99": {"direction": "down", "tolerance": "1%"}}})",
          "policy.json: metrics.ttft.p99.direction: unknown direction \"down\"");
  refused(R"({"metrics": {"ttft.p99": {"direction": "lower", "tolerance": "one"}}})",
          "ttft.p99.tolerance: expected a share such as 1%");
  refused(R"({"metrics": {"ttft.p99": {"direction": "lower", "tolerance": -1}}})",
          "ttft.p99.tolerance: expected a number");
  refused(R"({"metrics": {"ttft.p99": {"direction": "lower"}}})", "ttft.p99.tolerance: is missing");
  refused(R"({"metric": {}})", "policy.json");
  refused("[]", "policy.json");
}

TEST_CASE("compare: other workloads, schemas and requests are not comparable") {
  const auto reason = [](const Json& changes, const Names& options = {}) {
    const Pair pair(changes);
    const Outcome outcome = pair.compare(options);
    CHECK(outcome.exit_code == 3);
    CHECK(outcome.out.empty());
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    return outcome.err;
  };
  CHECK(contains(reason({{"workload_hash", "0123456789abcdef"}}), "another seed"));
  CHECK(contains(reason({{"schema_version", 999}}), "different schemas"));
  CHECK(contains(reason({{"requests", {{"arrived", 1}}}}), "the trace has changed"));
  const Json other_scenario{{"scenario_hash", "0123456789abcdef"}};
  CHECK(Pair(other_scenario).compare().exit_code == 0);
  CHECK(contains(reason(other_scenario, {"--same-scenario"}), "different scenarios"));
}

TEST_CASE("compare: scenarios and results folders") {
  const TempFolder folder;
  const std::string base = folder.write("base.json", kScenario);
  Json other = scenario();
  other["scheduler"] = {{"policy", "round_robin"}};
  other["pools"] = {{{"role", "mixed"}, {"machine", "dgx-h100"}, {"count", 1}}};
  const std::string changed = folder.write("new.json", other.dump());
  REQUIRE(run_cleave({"run", base, "--out", folder.path("results"), "--quiet"}).exit_code == 0);

  CHECK(run_cleave({"compare", folder.path("results"), base}).exit_code == 0);
  CHECK(run_cleave({"compare", base, folder.path("results/summary.json")}).exit_code == 0);
  const Outcome outcome = run_cleave({"compare", base, changed});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 1);
  CHECK(contains(outcome.out, "worse"));

  Json reseeded = scenario();
  reseeded["workload"]["seed"] = 2;
  CHECK(run_cleave({"compare", base, folder.write("seed.json", reseeded.dump())}).exit_code == 3);
}

TEST_CASE("compare: metrics that only one run has") {
  const TempFolder folder;
  Json without = base_summary();
  without["slo"] = nullptr;
  const std::string base = folder.write("base.json", base_summary().dump());
  const std::string changed = folder.write("new.json", without.dump());
  const Outcome outcome = run_cleave({"compare", base, changed, "--json"});
  CHECK(outcome.exit_code == 1);
  const Json json = parse_json(outcome.out, "stdout");
  // A metric that is no longer there is no better.
  CHECK(verdict(json, "slo.attainment") == "worse");
  CHECK(run_cleave({"compare", base, changed, "--fail-on", "worse"}).exit_code == 1);
  CHECK(run_cleave({"compare", changed, base, "--fail-on", "worse"}).exit_code == 0);
  CHECK(verdict(parse_json(run_cleave({"compare", changed, changed, "--json"}).out, "stdout"),
                "slo.attainment") == "not compared");
}

TEST_CASE("compare: JUnit and Markdown") {
  const Pair pair(scaled("ttft", "p99", 2));
  const std::string junit = pair.folder.path("junit.xml");
  const std::string markdown = pair.folder.path("summary.md");
  CHECK(pair.compare({"--junit", junit, "--markdown", markdown}).exit_code == 1);
  const std::string xml = pair.folder.read("junit.xml");
  CHECK(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
  CHECK(contains(xml, "<testsuite name=\"cleave compare\" tests=\"24\" failures=\"1\""));
  CHECK(contains(xml, "<testcase classname=\"cleave.compare\" name=\"ttft.p50\"/>"));
  CHECK(contains(xml, "name=\"ttft.p99\">\n      <failure type=\"worse\""));
  const std::string table = pair.folder.read("summary.md");
  CHECK(contains(table, "| metric | base | new | change | tolerance | verdict |\n"));
  CHECK(contains(table, "| +100 % | 1% | **worse** |\n"));
  // What did not change is folded away below what did.
  CHECK(table.find("| ttft.p99 |") < table.find("<details><summary>23 metrics within their "));
  CHECK(table.find("| ttft.p50 |") > table.find("<details>"));
  CHECK(contains(table, "\n</details>\n"));

  const Outcome printed = pair.compare({"--markdown", "-"});
  CHECK(printed.out.starts_with("### cleave compare: "));
  CHECK_FALSE(contains(printed.out, "better is"));

  // Not comparable: a report that says so, not one of an earlier run.
  const Pair other(Json{{"workload_hash", "0123456789abcdef"}});
  CHECK(other.compare({"--junit", junit, "--markdown", markdown}).exit_code == 3);
  CHECK(contains(pair.folder.read("junit.xml"), "<error type=\"not_comparable\""));
  CHECK(contains(pair.folder.read("summary.md"), "Not comparable: "));
}

TEST_CASE("compare: names are escaped in XML and Markdown") {
  const Pair pair;
  const std::string odd = pair.folder.write("a<b>&\"'|\x01\xff.json", base_summary().dump());
  const Outcome outcome =
      run_cleave({"compare", odd, pair.folder.path("new.json"), "--junit",
                  pair.folder.path("junit.xml"), "--markdown", pair.folder.path("summary.md")});
  CHECK(outcome.exit_code == 0);
  CHECK(contains(pair.folder.read("junit.xml"),
                 "/a&lt;b&gt;&amp;&quot;&apos;|?\xef\xbf\xbd.json\"/>"));
  CHECK(contains(pair.folder.read("summary.md"), R"(/a\<b\>\&"'\|)"));
  if (run_program("sh", {"-c", "command -v python3"}).exit_code == 0) {
    const Outcome parsed =
        run_program("python3", {"-c", "import sys, xml.dom.minidom as m; m.parse(sys.argv[1])",
                                pair.folder.path("junit.xml")});
    INFO(parsed.err);
    CHECK(parsed.exit_code == 0);
  }
}

TEST_CASE("compare: bad input") {
  const Pair pair;
  const std::string base = pair.folder.path("base.json");
  const std::string junit = pair.folder.path("junit.xml");
  check_refused({"compare", base}, "NEW is required");
  check_refused({"compare", base, pair.folder.path("none.json"), "--junit", junit},
                "none.json: cannot be read");
  check_refused({"compare", base, pair.folder.path()}, "has no summary.json");
  check_refused({"compare", base, pair.folder.write("bad.json", "{"), "--junit", junit},
                "bad.json: line 1: not valid JSON");
  check_refused({"compare", base, pair.folder.write("bad.json", "[1]")}, "bad.json: ");
  check_refused({"compare", base, pair.folder.write("bad.json", R"({"schema_version": 1})")},
                "bad.json: workload_hash: is missing");
  check_refused({"compare", base, pair.folder.write("bad.json", R"({"schedular": {}})")},
                "bad.json: the document: unknown key \"schedular\"; did you mean \"scheduler\"?");
  check_refused({"compare", base, base, "--policy", "defualt"}, "did you mean \"default\"?");
  check_refused({"compare", base, base, "--junit", pair.folder.path("none/junit.xml")}, "--junit ");
  for (const char* wrong : {"ttft.p99", "=1%", "ttft.p99=", "ttft.p99=-1%", "ttft.p99=nan",
                            "ttft.p99=1%%", "ttft.p99=inf", "ttft.p9=1%", "ttft=1%",
                            "scenario_hash=1", "pools[9].utilization=1%", "pools[=1%"}) {
    check_refused({"compare", base, base, "--tolerance", wrong},
                  "--tolerance " + std::string(wrong));
  }
  CHECK(pair.folder.names() == Names{"bad.json", "base.json", "new.json"});
}

TEST_CASE("compare: says which latencies are estimated") {
  CHECK_FALSE(contains(Pair().compare().out, "estimated"));
  const Outcome outcome = Pair(Json{{"estimated", true}}).compare();
  CHECK(outcome.exit_code == 0);
  CHECK(contains(outcome.out, "within their tolerance; latencies of the new one are estimated"));
}
