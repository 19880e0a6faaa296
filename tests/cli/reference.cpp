// cleave show scenario, plan, sweep, trace and profile: the reference, and the page made of it.

#include "tests/catch.h"
#include "tests/cli/document.h"
#include "tests/cli/run_cleave.h"

using namespace cleave::testing;

namespace {

std::string shown(const std::vector<std::string>& what) {
  std::vector<std::string> arguments{"show"};
  arguments.insert(arguments.end(), what.begin(), what.end());
  const Outcome outcome = run_cleave(arguments);
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  return outcome.out;
}

}  // namespace

TEST_CASE("show scenario says of every key default, unit, what it takes and its meaning") {
  const std::string all = shown({"scenario"});
  CHECK(
      contains(all, "  rate_rps (70 requests/s; above 0 to 1000000000): mean rate of arrivals\n"));
  CHECK(contains(all, "\npools[]: "));
  CHECK(contains(all, "  draft_s (0 s; from 0 to 10): "));
  CHECK(contains(all, "  candidates [power_of_two] (2 instances; whole, from 1 to 1000): "));
  std::istringstream lines(all);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);
}

TEST_CASE("show scenario shows a section with those within it, or one key") {
  const std::string cache = shown({"scenario", "kv_cache"});
  CHECK(cache.starts_with("kv_cache: Memory for KV caches.\n"));
  CHECK(contains(cache, "\nkv_cache.tiers[]: "));
  CHECK_FALSE(contains(cache, "rate_rps"));
  CHECK(shown({"scenario", "pools[0].count"}) ==
        "  count (machines; whole, from 1 to 100000): in the pool\n");
  CHECK(shown({"scenario", "pools.count"}) == shown({"scenario", "pools[0].count"}));
}

TEST_CASE("show has a reference of plans, sweeps, traces and profiles, too") {
  CHECK(contains(shown({"plan", "designs"}), "  most (100 machines; whole, from 1 to 10000): "));
  CHECK(contains(shown({"sweep"}), "  where (a list of texts"));
  CHECK(contains(shown({"trace"}), "  input_length (tokens; whole, from 1 to 100000000): "));
  CHECK(contains(shown({"profile", "gpu"}), "  tdp_w (W; above 0): of the GPU\n"));
}

TEST_CASE("a part that the reference does not have is answered with the nearest") {
  const auto refused = [](const std::vector<std::string>& arguments, const std::string& what) {
    const Outcome outcome = run_cleave(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.err == "cleave: " + what + "\n");
  };
  refused({"show", "scenario", "workload.rate_rp"},
          "show scenario workload.rate_rp: unknown part \"workload.rate_rp\"; did you mean "
          "\"workload.rate_rps\"?");
  refused({"show", "dgx-h100", "gpu"},
          "show dgx-h100 gpu: expected scenario, plan, sweep, trace or profile, which alone have "
          "parts");
  refused({"show", "scenario", "workload", "--markdown"},
          "show scenario workload --markdown: expected no part: all is shown");
}

TEST_CASE("docs/scenario.md is the reference", "[figures]") {
  std::string page;
  for (const char* name : {"scenario", "plan", "sweep", "trace", "profile"}) {
    page += (page.empty() ? "" : "\n") + shown({name, "--markdown"});
  }
  check_document("docs/scenario.md", page);
}

TEST_CASE("cleave alone shows five commands to start with") {
  const Outcome outcome = run_cleave({});
  CHECK(outcome.exit_code == 0);
  for (const char* command : {"run ", "plan ", "list ", "show ", "report "}) {
    CHECK(contains(outcome.out, std::string("cleave ") + command));
  }
}

TEST_CASE("names that people know are taken, or answered with ours") {
  const auto summary = [](const std::vector<std::string>& settings) {
    std::vector<std::string> arguments{"run", "--json", "--set", "workload.duration_s=2"};
    for (const std::string& setting : settings) {
      arguments.insert(arguments.end(), {"--set", setting});
    }
    const Outcome outcome = run_cleave(arguments);
    INFO(outcome.err);
    CHECK(outcome.exit_code == 0);
    return outcome.out.substr(outcome.out.find("\"requests\""));
  };
  const std::string ours = summary({"llm=llama3-70b"});
  CHECK(summary({"llm=meta-llama/Llama-3.1-70B-Instruct"}) == ours);
  CHECK(summary({"llm=llama3-70b", "weights.format=bf16"}) == ours);
  CHECK(summary({"llm=llama3-70b", "pools[0].role=prefill", "pools[1].role=decode"}) == ours);
  const Outcome machine = run_cleave({"run", "--set", "pools[0].machine=H100"});
  CHECK(machine.exit_code == 2);
  CHECK(machine.err ==
        "cleave: pools[0].machine: unknown machine \"H100\"; did you mean \"dgx-h100\"?\n");
}

TEST_CASE("run takes a built-in scenario by its name, and what show prints of it") {
  const Outcome named = run_cleave({"run", "concurrency-64"});
  CHECK(named.exit_code == 0);
  const TempFolder folder;
  const std::string file = folder.write("mine.json", shown({"concurrency-64"}));
  CHECK(run_cleave({"run", file}).out == named.out);
}
