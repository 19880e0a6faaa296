#include "sim/base/json_reader.h"
#include "tests/catch.h"
#include "tests/cli/refused.h"
#include "tests/cli/run_cleave.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

using Names = std::vector<std::string>;

/// Two scenarios that differ in the scheduler, and what a sweep of three seeds has of them.
class Guarded {
 public:
  Guarded() {
    const Json scenario = parse_json(R"({
      "workload": {"trace": "azure-2023-conv", "arrivals": "poisson", "rate_rps": 12,
                   "duration_s": 10, "seed": 4},
      "pools": [{"role": "prompt", "machine": "dgx-h100", "count": 3},
                {"role": "token", "machine": "dgx-h100", "count": 3}]})",
                                     "scenario");
    Json other = scenario;
    other["scheduler"] = {{"policy", "power_of_two"}};
    folder.write("base.json", scenario.dump());
    folder.write("new.json", other.dump());
    other["pools"][1]["count"] = 1;
    folder.write("worse.json", other.dump());
  }
  std::string path(const std::string& name) const { return folder.path(name); }
  Outcome compare(const std::string& base, const std::string& changed, Names options = {}) const {
    options.insert(options.begin(), {"compare", path(base), path(changed)});
    return run_cleave(options);
  }
  Json json(const std::string& base, const std::string& changed, Names options = {}) const {
    options.emplace_back("--json");
    const Outcome outcome = compare(base, changed, options);
    INFO(outcome.err);
    return parse_json(outcome.out, "stdout");
  }
  double ttft(const std::string& file, int seed) const {
    const Outcome run =
        run_cleave({"run", path(file), "--json", "--set", "workload.seed=" + std::to_string(seed)});
    return parse_json(run.out, "stdout")["ttft"]["mean"];
  }
  std::string sweep(const std::string& name) const {
    const std::string spec = folder.write("sweep.json", R"({"scenario": "base.json",
      "points": [{"name": "queues"}, {"name": "draws", "scheduler.policy": "power_of_two"}],
      "vary": {"workload.seed": [4, 5, 6]}})");
    REQUIRE(run_cleave({"sweep", spec, "--quiet", "--out", path(name)}).exit_code == 0);
    return name;
  }
  TempFolder folder;
};

Json row(const Json& comparison, const std::string& metric) {
  for (const Json& one : comparison["metrics"]) {
    if (one["metric"] == metric) return one;
  }
  return {};
}

}  // namespace

TEST_CASE("compare --seeds: means of runs in pairs, each with the same seed") {
  const Guarded guarded;
  const Json json = guarded.json("base.json", "new.json", {"--seeds", "3"});
  CHECK(json["seeds"] == 3);
  CHECK(json["confidence"] == 0.95);
  const Json ttft = row(json, "ttft.mean");
  double base = 0;
  double changed = 0;
  for (const int seed : {4, 5, 6}) {
    base += guarded.ttft("base.json", seed) / 3;
    changed += guarded.ttft("new.json", seed) / 3;
  }
  CHECK(ttft["base"].get<double>() == Approx(base));
  CHECK(ttft["new"].get<double>() == Approx(changed));
  CHECK(ttft["change"].get<double>() == Approx(changed - base));
  CHECK(ttft["interval"][0].get<double>() < ttft["change"].get<double>());
  CHECK(ttft["interval"][1].get<double>() > ttft["change"].get<double>());
  // However many run at a time.
  CHECK(guarded.json("base.json", "new.json", {"--seeds", "3", "-j", "1"}) == json);
}

TEST_CASE("compare --seeds: the same is the same, a cluster too small is worse") {
  const Guarded guarded;
  const Outcome same = guarded.compare("base.json", "base.json", {"--seeds", "3"});
  CHECK(same.exit_code == 0);
  CHECK(contains(same.out, " metrics are within their tolerance or noise (3 seeds, 95 % sure)\n"));
  const Outcome worse =
      guarded.compare("base.json", "worse.json", {"--seeds", "4", "--fail-on", "worse"});
  CHECK(worse.exit_code == 1);
  CHECK(contains(worse.out, "  interval  "));
  CHECK(contains(worse.out, "(4 seeds, 95 % sure)\n"));
}

TEST_CASE("compare --seeds: a change within the noise is none, however large") {
  const Guarded guarded;
  // Two schedulers, a few requests: their queues differ by chance, one seed this way, one that.
  const Json one = guarded.json("base.json", "new.json");
  const Json several =
      guarded.json("base.json", "new.json", {"--seeds", "2", "--confidence", "0.999"});
  CHECK(row(one, "queueing.mean")["verdict"] != "same");
  const Json queueing = row(several, "queueing.mean");
  CHECK(queueing["verdict"] == "noise");
  CHECK(queueing["interval"][0].get<double>() < 0);
  CHECK(queueing["interval"][1].get<double>() > 0);
  CHECK(queueing["fails"] == false);
}

TEST_CASE("compare: points of a sweep by their name, with a scenario or with one another") {
  const Guarded guarded;
  const std::string database = guarded.sweep("main.db");
  const Json runs = guarded.json("base.json", "new.json", {"--seeds", "3"});
  const auto metrics = [&](const std::string& base, const std::string& changed) {
    return guarded.json(base, changed)["metrics"];
  };
  CHECK(metrics(database + ":queues", database + ":draws") == runs["metrics"]);
  CHECK(metrics(database + ":queues", "new.json") == runs["metrics"]);
  CHECK(metrics("base.json", database + ":draws") == runs["metrics"]);

  const auto refused = [&](const std::string& base, const std::string& changed,
                           const std::string& part, Names options = {}) {
    options.insert(options.begin(), {"compare", guarded.path(base), guarded.path(changed)});
    check_refused(options, part);
  };
  refused(database + ":queue", "new.json", "main.db:queue: unknown point \"queue\"; did you mean");
  refused(database, "new.json", "main.db: has points that differ in more than workload.seed");
  refused(database + ":draws", "new.json", "--seeds 4: expected as many as", {"--seeds", "4"});
}

TEST_CASE("compare --fail-on says what exit code 1 is for") {
  const Guarded guarded;
  const auto code = [&](const std::string& base, const std::string& changed, const char* kind) {
    return guarded.compare(base, changed, {"--fail-on", kind}).exit_code;
  };
  CHECK(code("base.json", "worse.json", "never") == 0);
  CHECK(code("base.json", "worse.json", "worse") == 1);
  CHECK(code("base.json", "worse.json", "change") == 1);
  // Two machines more change figures for the better, and price and energy for the worse.
  const Names cheaper{"--fail-on", "worse", "--policy",
                      guarded.folder.write("policy.json", R"({"metrics": {
                        "ttft.p99": {"direction": "lower", "tolerance": "1%"}}})")};
  CHECK(guarded.compare("worse.json", "base.json", cheaper).exit_code == 0);
  CHECK(guarded.compare("base.json", "worse.json", cheaper).exit_code == 1);
  check_refused(
      {"compare", guarded.path("base.json"), guarded.path("new.json"), "--fail-on", "wrose"},
      "--fail-on: unknown kind of change \"wrose\"; did you mean \"worse\"?");
}

TEST_CASE("compare: a tolerance with an amount lets what is near 0 change") {
  const Guarded guarded;
  const Outcome run = run_cleave({"run", guarded.path("base.json"), "--json"});
  Json summary = parse_json(run.out, "stdout");
  summary["queueing"]["mean"] = 0.0001;
  guarded.folder.write("before.json", summary.dump());
  summary["queueing"]["mean"] = 0.0009;
  guarded.folder.write("after.json", summary.dump());
  const auto code = [&](const Names& options) {
    return guarded.compare("before.json", "after.json", options).exit_code;
  };
  // Of queueing, a millisecond is allowed; a share alone would be 800 % beyond.
  CHECK(code({}) == 0);
  CHECK(code({"--tolerance", "queueing.mean=1%"}) == 1);
  CHECK(code({"--tolerance", "queueing.mean=1%,0.0008"}) == 0);
  CHECK(code({"--tolerance", "queueing.mean=1%,0.0007"}) == 1);
  CHECK(code({"--tolerance", "queueing.mean=800%,0.0007"}) == 0);
  for (const char* wrong : {"ttft.p99=1%,", "ttft.p99=,1", "ttft.p99=0.1,1%", "ttft.p99=1%,-1"}) {
    check_refused(
        {"compare", guarded.path("before.json"), guarded.path("after.json"), "--tolerance", wrong},
        "expected a share such as 1%, an amount such as 0.05, or both, 1%,0.001");
  }
}

TEST_CASE("compare --github annotates changes and adds to the page of the job") {
  const Guarded guarded;
  const std::string page = guarded.folder.write("page.md", "# Before\n");
  const auto github = [&](const std::string& changed) {
    return run_program(
        "env", {"GITHUB_STEP_SUMMARY=" + page, CLEAVE_BINARY, "compare", guarded.path("base.json"),
                guarded.path(changed), "--github", "--fail-on", "worse"});
  };
  const Outcome outcome = github("worse.json");
  CHECK(outcome.exit_code == 1);
  CHECK(contains(outcome.out, "::error title=cleave compare%3A e2e.mean::worse: "));
  CHECK(contains(outcome.out, " %25, tolerance 1%25)\n"));
  CHECK(
      contains(outcome.out, "::notice title=cleave compare%3A cost.usd_per_million_output_tokens"));
  CHECK(contains(outcome.out, " metrics changed beyond their tolerance: "));
  CHECK(guarded.folder.read("page.md").starts_with("# Before\n### cleave compare: "));
  CHECK(contains(guarded.folder.read("page.md"), " | **worse** |\n"));
  check_refused({"compare", guarded.path("base.json"), guarded.path("new.json"), "--github"},
                "--github: GITHUB_STEP_SUMMARY is not set; expected a job of GitHub Actions");
}

TEST_CASE("compare --seeds: bad input") {
  const Guarded guarded;
  const std::string base = guarded.path("base.json");
  const std::string done = guarded.path("done");
  REQUIRE(run_cleave({"run", base, "--out", done, "--quiet"}).exit_code == 0);
  const std::string fixed = guarded.folder.write("fixed.json", R"({"workload": {
      "prompt_tokens": 100, "output_tokens": 10, "arrivals": "constant", "rate_rps": 5, "duration_s": 5}})");
  check_refused({"compare", fixed, fixed, "--seeds", "3"},
                "fixed.json: serves the same requests in the same way under every seed");
  check_refused({"compare", base, base, "--seeds", "1"}, "--seeds: expected a whole number");
  check_refused(
      {"compare", done, base, "--seeds", "3"},
      "done: is one run; expected a scenario, or a sweep's database, for the seeds 4, 5, 6");
  check_refused({"compare", done, done, "--seeds", "3"}, "--seeds 3: expected scenarios to run");
  check_refused({"compare", base, base, "--confidence", "0.9"},
                "--confidence: one run has no noise");
  check_refused({"compare", base, base, "--seeds", "3", "--confidence", "95"},
                "--confidence: expected a number between 0 and 1");
}
