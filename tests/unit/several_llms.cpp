// Several LLMs on one cluster: pools name theirs, classes ask for one, machines change it.

#include "sim/metrics/request_latency.h"
#include "sim/scenario/pool_latency.h"
#include "tests/catch.h"
#include "tests/support/accounts.h"
#include "tests/support/seen_run.h"
#include "tests/unit/traces_support.h"

using namespace cleave;
using cleave::testing::error_of;

namespace {

Json own(double rate_rps, int prompt_tokens) {
  return {{"prompt_tokens", prompt_tokens},
          {"output_tokens", 20},
          {"arrivals", "constant"},
          {"rate_rps", rate_rps}};
}

/// Llama2-70B on two mixed machines (0, 1), BLOOM on a prompt and a token machine (2, 3).
Json two_llms(const Json& more = Json::object()) {
  Json scenario{
      {"llm", "llama2-70b"},
      {"workload", {{"duration_s", 100}}},
      {"pools",
       {pool("mixed", 2),
        {{"role", "prompt"}, {"machine", "dgx-h100"}, {"count", 1}, {"llm", "bloom-176b"}},
        {{"role", "token"}, {"machine", "dgx-h100"}, {"count", 1}, {"llm", "bloom-176b"}}}},
      {"scheduler", {{"policy", "kv_jsq"}}},
      {"classes",
       {{{"name", "llama"}, {"workload", own(2, 1000)}},
        {{"name", "bloom"}, {"llm", "bloom-176b"}, {"workload", own(1, 700)}}}},
      {"slo", "none"},
      {"results", {{"warmup_s", 0}}}};
  scenario.merge_patch(more);
  return scenario;
}

/// The requests of one class as if they were alone on their own pools.
Json alone(const Json& workload, const Json& llm, const Json& pools) {
  Json scenario = two_llms();
  scenario.erase("classes");
  scenario["llm"] = llm;
  scenario["workload"] = workload;
  scenario["workload"]["duration_s"] = 100;
  scenario["pools"] = pools;
  return scenario;
}

std::string error_of_run(const Json& changes) {
  return error_of([&] { read_scenario(scenario_of(changes)); });
}

std::vector<FinishedRequest> of_class(const SeenRun& run, std::uint32_t number) {
  std::vector<FinishedRequest> those;
  for (const FinishedRequest& request : run.finished) {
    if (request.traffic_class == number) those.push_back(request);
  }
  return those;
}

}  // namespace

TEST_CASE("several LLMs: each has its requests, machines and scheduler, as if it were alone") {
  const SeenRun both = see(two_llms());
  const Json split{pool("prompt", 1), pool("token", 1)};
  const std::array<SeenRun, 2> apart{
      see(alone(own(2, 1000), "llama2-70b", Json::array({pool("mixed", 2)}))),
      see(alone(own(1, 700), "bloom-176b", split))};
  for (std::uint32_t llm : {0U, 1U}) {
    const InstanceId first = llm == 0 ? 0 : 2;
    const std::vector<FinishedRequest> those = of_class(both, llm);
    REQUIRE(those.size() == apart[llm].finished.size());
    for (std::size_t i = 0; i < those.size(); ++i) {
      const FinishedRequest& other = apart[llm].finished[i];
      CHECK(those[i].first_token_s == other.first_token_s);
      CHECK(those[i].completion_s == other.completion_s);
      CHECK(those[i].prompt_instance == other.prompt_instance + first);
      CHECK(those[i].token_instance == other.token_instance + first);
    }
  }
  CHECK(both.summary["pools"][0]["llm"] == "llama2-70b");
  CHECK(both.summary["pools"][2]["llm"] == "bloom-176b");
}

TEST_CASE("several LLMs: what moves between machines are caches of its own LLM") {
  const SeenRun both = see(two_llms());
  const Scenario scenario = read_scenario(scenario_of(two_llms()));
  REQUIRE(both.transfers.size() == 100);
  for (const SeenTransfer& transfer : both.transfers) {
    CHECK(transfer.bytes == 700 * scenario.llms[1].kv_bytes_per_token);
  }
}

TEST_CASE("several LLMs: slowdowns are against a request's own LLM alone") {
  const Scenario both = read_scenario(scenario_of(two_llms({{"slo", "splitwise"}})));
  const SloReference reference(both, both.slo);
  FinishedRequest request;
  request.prompt_tokens = 700;
  request.output_tokens = 20;
  RequestLatency latency;
  latency.ttft_s = 1;
  for (std::uint32_t llm : {0U, 1U}) {
    request.traffic_class = llm;
    const auto alone = reference_latency(both, both.slo, llm);
    CHECK(reference.slowdowns(request, latency).ttft == Approx(1 / prompt_s(*alone, 700)));
  }
}

TEST_CASE("several LLMs: pools keep theirs in formats of their own") {
  Json fp8 = two_llms();
  for (int i : {1, 2}) {
    fp8["pools"][i]["weights"] = {{"format", "fp8"}};
    fp8["pools"][i]["kv_format"] = "fp8";
  }
  const Scenario plain = read_scenario(scenario_of(two_llms()));
  const Scenario scenario = read_scenario(scenario_of(fp8));
  CHECK(scenario.llms[0].weight_bytes == plain.llms[0].weight_bytes);
  CHECK(scenario.llms[1].kv_bytes_per_token == plain.llms[1].kv_bytes_per_token / 2);
  CHECK(scenario.pools[1].kv.capacity_tokens > 2 * plain.pools[1].kv.capacity_tokens);
  fp8["pools"][2].erase("kv_format");
  CHECK(error_of_run(fp8) ==
        "pools[2].weights: another pool keeps bloom-176b in other formats; expected the same in "
        "all");
}

TEST_CASE("several LLMs: a machine changes its LLM in the time that the other's weights take") {
  Json scenario = two_llms();
  scenario["pools"] = {pool("mixed", 2),
                       {{"role", "mixed"}, {"borrows_machines_of", 0}, {"llm", "bloom-176b"}}};
  const Scenario read = read_scenario(scenario_of(two_llms()));
  scenario["classes"][0]["workload"]["rates"] = {{0, 2},  {39, 2},   {39.5, 0},
                                                 {60, 0}, {60.5, 2}, {100, 2}};
  scenario["classes"][0]["workload"].erase("rate_rps");
  scenario["scaling"] = {{"policy", "schedule"},
                         {"sizes", {{0, {2, 0}}, {40, {1, 1}}, {80, {2, 1}}}},
                         {"gb_per_s", read.llms[1].weight_bytes / 1e9 / 20},
                         {"warm_up_s", 2}};
  const SeenRun run = see(scenario);
  // Machine 1 is instance 1 of Llama and instance 3 of BLOOM.
  const auto status = [&](std::size_t i) {
    return std::to_string(run.statuses[i].instance) + status_name(run.statuses[i].status);
  };
  std::vector<std::string> seen;
  for (std::size_t i = 0; i < run.statuses.size(); ++i) seen.push_back(status(i));
  CHECK(seen == std::vector<std::string>{"2off", "3off", "1draining", "1off", "3loading", "3up",
                                         "3draining", "3off", "1loading", "1up"});
  CHECK(run.statuses[4].time_s == run.statuses[3].time_s);
  CHECK(run.statuses[5].time_s == Approx(run.statuses[4].time_s + 22));
  CHECK(run.statuses[6].time_s == 80);
  const double llama_s = 20 * read.llms[0].weight_bytes / read.llms[1].weight_bytes + 2;
  CHECK(run.statuses[9].time_s == Approx(run.statuses[8].time_s + llama_s));
  for (const FinishedRequest& request : of_class(run, 1)) CHECK(request.token_instance == 3);
  CHECK(of_class(run, 1).size() + run.unfinished.size() == 100);
}

TEST_CASE("several LLMs: a machine that changes hands is paid once, by who has it on") {
  Json scenario = two_llms();
  Json owner = pool("mixed", 2);
  owner["price_per_hour"] = 36;
  owner["off_price_per_hour"] = 10;
  owner["start_count"] = 1;
  scenario["pools"] = {owner,
                       {{"role", "mixed"}, {"borrows_machines_of", 0}, {"llm", "bloom-176b"}}};
  scenario["scaling"] = {{"policy", "schedule"}, {"sizes", {{50, {1, 1}}}}, {"gb_per_s", 1000}};
  const SeenRun run = see(scenario);
  const double end_s = run.summary["duration_s"];
  CHECK(run.summary["cost"]["price_per_hour"] == 72);
  CHECK(run.summary["cost"]["spent_usd"].get<double>() * 3600 ==
        Approx(36 * end_s + 10 * 50 + 36 * (end_s - 50)));
  CHECK(run.summary["scaling"]["machine_hours_of_all"].get<double>() * 3600 == Approx(2 * end_s));
  CHECK(run.summary["scaling"]["machine_hours"].get<double>() * 3600 == Approx(2 * end_s - 50));
  CHECK(run.summary["pools"][1]["gpus"] == 0);
}

TEST_CASE("several LLMs: a cluster that cannot be meant is refused in one sentence") {
  Json scenario = two_llms();
  scenario["classes"][1].erase("llm");
  CHECK(error_of_run(scenario) ==
        "pools[1].llm: nobody asks for \"bloom-176b\"; expected classes with \"llm\", one of them "
        "this one");
  scenario = two_llms();
  scenario["classes"][1]["llm"] = "opt-30b";
  CHECK(error_of_run(scenario).rfind("classes[1].llm: ", 0) == 0);
  scenario = two_llms();
  std::swap(scenario["pools"][0], scenario["pools"][1]);
  CHECK(error_of_run(scenario) ==
        "pools[2].llm: pools of bloom-176b stand apart; expected those of one LLM side by side");
  scenario = two_llms();
  scenario["pools"][0]["kv_format"] = "fp8";
  CHECK(error_of_run(scenario) == "pools[0].kv_format: has no meaning without llm beside it");
  scenario = two_llms({{"kv_cache", {{"blocks", 1000}}}});
  CHECK(error_of_run(scenario) ==
        "kv_cache.blocks: is one number for all pools, which serve \"llama2-70b\", \"bloom-176b\"; "
        "expected pools[].kv_blocks");
  scenario = two_llms();
  scenario["pools"][1] = {{"role", "mixed"}, {"borrows_machines_of", 0}, {"llm", "bloom-176b"}};
  CHECK(error_of_run(scenario) ==
        "pools[1].borrows_machines_of: has no meaning without scaling.policy, by which that pool "
        "turns machines off");
}

TEST_CASE("several LLMs: a run ends where machines change LLM faster than they load") {
  Json scenario = two_llms();
  scenario["pools"] = {pool("mixed", 1),
                       {{"role", "mixed"}, {"borrows_machines_of", 0}, {"llm", "bloom-176b"}}};
  scenario["scaling"] = {{"policy", "schedule"},
                         {"sizes", {{0, {1, 0}}, {30, {0, 1}}}},
                         {"period_s", 60},
                         {"gb_per_s", 1}};
  const SeenRun run = see(scenario);
  CHECK(run.requests()["unfinished"].get<int>() > 0);
  CHECK(run.summary["duration_s"].get<double>() < 2 * 86'400);
}

TEST_CASE("several LLMs: an LLM's own machines come on where nothing is left to borrow") {
  Json scenario = two_llms();
  Json own = pool("mixed", 2);
  own["llm"] = "bloom-176b";
  own["min_count"] = 0;
  own["start_count"] = 0;
  scenario["pools"] = {pool("mixed", 1),
                       {{"role", "mixed"}, {"borrows_machines_of", 0}, {"llm", "bloom-176b"}},
                       own};
  scenario["scaling"] = {{"policy", "reactive"}, {"gb_per_s", 1000}, {"warm_up_s", 1}};
  const SeenRun run = see(scenario);
  CHECK(run.requests()["unfinished"] == 0);
  CHECK(run.summary["duration_s"].get<double>() < 200);
}

TEST_CASE("several LLMs: the pools of each must take both phases") {
  Json scenario = two_llms();
  scenario["pools"].erase(2);
  CHECK(
      error_of_run(scenario) ==
      "pools: none of bloom-176b takes the token phase; expected one of role token or mixed, too");
}
