// A cluster over a day on the command line.

#include "sim/base/json_reader.h"
#include "tests/catch.h"
#include "tests/cli/refused.h"
#include "tests/cli/run_cleave.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

const std::vector<std::string> kHour{"run", "--preset", "diurnal-day", "--set",
                                     "workload.duration_s=1200"};

std::vector<std::string> with(std::vector<std::string> words,
                              const std::vector<std::string>& settings) {
  for (const std::string& setting : settings) {
    words.emplace_back("--set");
    words.push_back(setting);
  }
  return words;
}

}  // namespace

TEST_CASE("day: a run tells what scaling did, what energy costs and what each class got") {
  const Outcome outcome = run_cleave(
      with(kHour, {"scaling.policy=planner", "power.usd_per_kwh=[[0, 0.08], [25200, 0.16]]",
                   R"(classes=[{"name": "chat", "share": 3}, {"name": "batch", "share": 1}])"}));
  CHECK(outcome.exit_code == 0);
  for (const char* part : {"Scaling by planner: machines on for ", " machine-hours", " starts, ",
                           "Energy at the meter: ", " $ per million tokens", "class ", "chat ",
                           "batch ", "Fairness (Jain): service 1"}) {
    INFO(part);
    CHECK(contains(outcome.out, part));
  }
}

TEST_CASE("day: a policy that oscillates is called so") {
  const Outcome outcome = run_cleave(
      with(kHour, {"scaling.policy=reactive", "scaling.tick_s=5", "scaling.down_window_s=0",
                   "scaling.target_backlog=3000", "scaling.warm_up_s=1"}));
  CHECK(outcome.exit_code == 0);
  CHECK(contains(outcome.out, "Oscillates: pools grow and shrink in turn "));
}

TEST_CASE("day: a few changes in a short run are not called oscillation") {
  const Outcome outcome = run_cleave(
      {"run", "--set", "workload.rates=[[0, 0], [60, 50]]", "--set", "scaling.policy=planner"});
  CHECK(contains(outcome.out, "Scaling by planner: "));
  CHECK_FALSE(contains(outcome.out, "Oscillates"));
}

TEST_CASE("day: a budget that no cap can keep is told with what machines draw at rest") {
  const Outcome outcome = run_cleave({"run", "--set", "workload.duration_s=5", "--set",
                                      "power.budget_w=100000", "--set", "power.enforce=prompts"});
  CHECK(contains(outcome.out, "Power budget 100 kW: exceeded"));
  CHECK(contains(outcome.out, "all machines at rest draw 280 kW"));
}

TEST_CASE("day: what an SLO loses to an enforced budget is told, the budget holds") {
  const Outcome outcome =
      run_cleave({"run", "--set", "power.budget_w=300000", "--set", "power.enforce=prompts"});
  CHECK(outcome.exit_code == 0);
  CHECK(contains(outcome.out, "Power budget 300 kW: holds"));
}

TEST_CASE("day: policies of scaling are listed with their settings") {
  const Outcome outcome = run_cleave({"list", "policies"});
  for (const char* part : {"scaling.policy", "  planner: ", "    headroom (1.2 times): ",
                           "  schedule: ", "  reactive: ", "  roles: "}) {
    INFO(part);
    CHECK(contains(outcome.out, part));
  }
}

TEST_CASE("day: wrong input is one sentence") {
  const auto refused = [](const std::vector<std::string>& settings, const std::string& part) {
    check_refused(with({"run"}, settings), part);
  };
  refused({"scaling.policy=hope"}, "scaling.policy: unknown scaling policy \"hope\"");
  refused({"scaling.policy=planner", "scaling.headrom=2"}, "scaling: unknown key \"headrom\"");
  refused({"pools[0].min_count=2"}, "pools[0].min_count: has no meaning without scaling.policy");
  refused({"scaling.policy=planner", "pools[0].min_count=99"}, "pools[0].min_count: expected");
  refused({"workload.rates=[[0, 1], [0, 2]]"}, "workload.rates[1]: expected a time after");
  refused({"classes=[]"}, "classes: expected one class at least");
  refused({"power.enforce=prompts"}, "power.enforce: has no meaning without budget_w");
  refused({R"(faults=[{"at_s": 1, "action": "stop", "machines": "0-99"}])"},
          "faults[0].machines: expected numbers and ranges below 40");
}
