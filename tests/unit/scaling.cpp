// Clusters whose machines are turned on and off: whole runs with timelines by hand.

#include <set>

#include "tests/catch.h"
#include "tests/support/accounts.h"
#include "tests/support/seen_run.h"
#include "tests/unit/traces_support.h"

using namespace cleave;
using cleave::testing::error_of;

namespace {

/// Two requests a second for 100 s on two prompt machines (0, 1) and two token machines (2, 3).
Json scaled(const Json& scaling, const Json& more = Json::object()) {
  Json scenario{{"workload",
                 {{"prompt_tokens", 1000},
                  {"output_tokens", 100},
                  {"arrivals", "constant"},
                  {"rate_rps", 2},
                  {"duration_s", 100}}},
                {"pools", {pool("prompt", 2), pool("token", 2)}},
                {"scaling", scaling},
                {"results", {{"warmup_s", 0}}}};
  scenario.merge_patch(more);
  return scenario;
}

/// One token machine, two from 40 s to 90 s. The weights of an instance take 20 s.
Json by_day() {
  const Scenario scenario = read_scenario(scenario_of(Json::object()));
  return {{"policy", "schedule"},
          {"sizes", {{0, {2, 1}}, {40, {2, 2}}, {90, {2, 1}}}},
          {"gb_per_s", scenario.llms.front().weight_bytes / 1e9 / 20},
          {"warm_up_s", 2}};
}

Json one_token_machine_at_start() {
  return {{"pools",
           {pool("prompt", 2),
            {{"role", "token"}, {"machine", "dgx-h100"}, {"count", 2}, {"start_count", 1}}}}};
}

std::string error_of_run(const Json& changes) {
  return error_of([&] { read_scenario(scenario_of(changes)); });
}

}  // namespace

TEST_CASE("scaling: a machine loads, serves, drains and is off, as the schedule says") {
  const SeenRun run = see(scaled(by_day(), one_token_machine_at_start()));
  REQUIRE(run.statuses.size() == 5);
  const auto is = [&](std::size_t i, InstanceId id, InstanceStatus status) {
    return run.statuses[i].instance == id && run.statuses[i].status == status;
  };
  CHECK(is(0, 3, InstanceStatus::kOff));
  CHECK(run.statuses[0].time_s == 0);
  CHECK(is(1, 3, InstanceStatus::kLoading));
  CHECK(run.statuses[1].time_s == 40);
  CHECK(is(2, 3, InstanceStatus::kUp));
  CHECK(run.statuses[2].time_s == Approx(62));
  CHECK(run.statuses[3].status == InstanceStatus::kDraining);
  CHECK(run.statuses[3].time_s == 90);
  CHECK(run.statuses[4].status == InstanceStatus::kOff);
  CHECK(run.summary["requests"]["completed"] == 200);
}

TEST_CASE("scaling: a machine that only loads is the first to go, and never comes up") {
  Json scaling = by_day();
  scaling["warm_up_s"] = 60;
  const SeenRun run = see(scaled(scaling, one_token_machine_at_start()));
  REQUIRE(run.statuses.size() == 3);
  CHECK(run.statuses[2].status == InstanceStatus::kOff);
  CHECK(run.statuses[2].time_s == 90);
  const double end_s = run.summary["duration_s"];
  CHECK(run.summary["scaling"]["machine_hours"].get<double>() * 3600 == Approx(3 * end_s + 50));
  CHECK(run.summary["scaling"]["starts"] == 1);
  CHECK(run.summary["scaling"]["stops"] == 1);
  for (const FinishedRequest& request : run.finished) CHECK(request.token_instance == 2);
}

TEST_CASE("scaling: cost and energy are those of the time in which machines are on") {
  Json pools = one_token_machine_at_start();
  pools["pools"][1]["price_per_hour"] = 36;
  pools["pools"][1]["off_price_per_hour"] = 10;
  pools["pools"][0]["price_per_hour"] = 0;
  Json scaling = by_day();
  scaling["sizes"] = {{0, {2, 1}}};
  const SeenRun run = see(scaled(scaling, pools));
  const double end_s = run.summary["duration_s"];
  CHECK(run.summary["cost"]["spent_usd"].get<double>() == Approx((36 + 10) * end_s / 3600));
  CHECK(run.summary["pools"][1]["off_share"].get<double>() == Approx(0.5));
}

TEST_CASE("scaling: a drained machine finishes what it has, and takes nothing new") {
  Json scaling = by_day();
  scaling["sizes"] = {{50, {2, 1}}};
  const SeenRun run = see(scaled(scaling));
  REQUIRE(run.statuses.size() == 2);
  CHECK(run.statuses[0].status == InstanceStatus::kDraining);
  CHECK(run.statuses[0].time_s == 50);
  CHECK(run.statuses[1].status == InstanceStatus::kOff);
  const InstanceId gone = run.statuses[0].instance;
  double last_s = 0;
  for (const FinishedRequest& request : run.finished) {
    if (request.token_instance != gone) continue;
    CHECK(request.arrival_s <= 50);
    last_s = std::max(last_s, request.completion_s);
  }
  CHECK(run.statuses[1].time_s == Approx(last_s));
  CHECK(run.summary["requests"]["restarts"] == 0);
}

TEST_CASE("scaling: over the network, two machines that start together share the store's link") {
  Json scaling = by_day();
  const double alone_s = 20;
  scaling["weights_from"] = "network";
  scaling["sizes"] = {{0, {2, 2}}};
  Json pools = one_token_machine_at_start();
  pools["pools"][0]["start_count"] = 1;
  const SeenRun run = see(scaled(scaling, pools));
  REQUIRE(run.statuses.size() == 6);
  for (std::size_t i = 4; i < 6; ++i) {
    CHECK(run.statuses[i].status == InstanceStatus::kUp);
    // KV caches on their way take a little of a machine's own link.
    CHECK(run.statuses[i].time_s == Approx(2 * alone_s + 2).epsilon(1e-3));
  }
}

TEST_CASE("scaling: a cluster of which nothing is on starts for the first request") {
  Json pools = one_token_machine_at_start();
  for (Json& each : pools["pools"]) {
    each["min_count"] = 0;
    each["start_count"] = 0;
  }
  const Json reactive{{"policy", "reactive"}, {"tick_s", 5}, {"warm_up_s", 3}, {"gb_per_s", 1e6}};
  Json mixed = scaled(reactive, {{"pools", {pool("mixed", 2)}}});
  mixed["pools"][0]["min_count"] = 0;
  mixed["pools"][0]["start_count"] = 0;
  const SeenRun run = see(mixed);
  CHECK(run.summary["requests"]["completed"] == 200);
  CHECK(run.finished.front().prompt_start_s == Approx(8).margin(0.01));
}

TEST_CASE("scaling: machines that change sides serve the other, and stay on") {
  const Json roles{{"policy", "roles"}, {"tick_s", 5}, {"target_backlog", 50}, {"margin", 1}};
  for (const std::string scheduler : {"kv_jsq", "mixed_pool", "kv_round_robin", "power_of_two",
                                      "local_jsq", "dynamo_kv", "prefix_affinity"}) {
    CAPTURE(scheduler);
    const SeenRun run = see(scaled(roles, {{"workload", {{"rate_rps", 20}, {"output_tokens", 2}}},
                                           {"scheduler", {{"policy", scheduler}}},
                                           {"pools", {pool("prompt", 2), pool("token", 4)}}}));
    CHECK(run.summary["requests"]["completed"] == 2000);
    CHECK(run.summary["scaling"]["side_changes"].get<int>() > 0);
    CHECK(run.summary["scaling"]["starts"] == 0);
    CHECK(run.statuses.empty());
    std::set<InstanceId> prompts;
    for (const FinishedRequest& request : run.finished) {
      if (request.moved()) prompts.insert(request.prompt_instance);
    }
    CHECK(prompts.size() > 2);
  }
}

TEST_CASE("scaling: attainment over time adds up to attainment") {
  const SeenRun run = see(scaled(by_day(), {{"slo", {{"limits", {{"e2e", {{"p90", 4.0}}}}}}}}));
  const Json& slo = run.summary["slo"];
  double good = 0;
  double all = 0;
  for (std::size_t i = 0; i < slo["over_time"]["requests"].size(); ++i) {
    const double requests = slo["over_time"]["requests"][i];
    all += requests;
    if (requests > 0) good += requests * slo["over_time"]["attainment"][i].get<double>();
  }
  CHECK(all == 200);
  CHECK(good / all == Approx(slo["attainment"].get<double>()));
}

TEST_CASE("scaling: a cluster that is not scaled says nothing of it") {
  const SeenRun run = see(scaled({{"policy", "none"}}));
  CHECK(run.summary["scaling"].is_null());
}

TEST_CASE("scaling: what cannot be is said in a sentence") {
  Json sizes = by_day();
  sizes["sizes"] = {{0, {1}}};
  CHECK(error_of_run(scaled(sizes)) ==
        "scaling.sizes[0]: has 1 counts of machines; expected one for each of the 2 pools");
  CHECK(error_of_run(scaled({{"policy", "hope"}})).find("scaling.policy: unknown scaling policy") ==
        0);
  CHECK(error_of_run(scaled({{"policy", "none"}}, one_token_machine_at_start())) ==
        "pools[1].start_count: has no meaning without scaling.policy: all machines are on");
  CHECK(error_of_run(scaled({{"policy", "roles"}}, {{"pools", {pool("mixed", 2)}}})) ==
        "scaling.policy: \"roles\" moves machines between prompt and token pools; expected one of "
        "each");
  CHECK(error_of_run(scaled({{"policy", "planner"}, {"weights_from", "network"}})) ==
        "scaling.gb_per_s: is missing: nobody says how fast the store of weights is");
  CHECK(error_of_run(scaled({{"policy", "planner"}, {"weights_from", "network"}, {"gb_per_s", 10}},
                            {{"fabric", {{"topology", "pipe"}}}}))
            .find("scaling.weights_from: over the network weights need links") == 0);
}

TEST_CASE("scaling: a period that is no binary number is followed all the same") {
  const SeenRun run = see(scaled({{"policy", "schedule"},
                                  {"sizes", {{0, {2, 1}}, {5, {2, 2}}}},
                                  {"period_s", 33.3},
                                  {"gb_per_s", 1e6},
                                  {"warm_up_s", 0}}));
  CHECK(run.summary["requests"]["completed"] == 200);
  CHECK(run.summary["scaling"]["starts"].get<int>() >= 3);
}

TEST_CASE("scaling: who waited for a machine that drains begins when it is wanted again") {
  Json mixed =
      scaled({{"policy", "schedule"}, {"sizes", {{0, {1}}, {10, {0}}, {12, {1}}}}},
             {{"pools", {pool("mixed", 1)}},
              {"workload", {{"rate_rps", 1}, {"duration_s", 20}, {"output_tokens", 100}}}});
  mixed["pools"][0]["min_count"] = 0;
  const SeenRun run = see(mixed);
  CHECK(run.summary["requests"]["completed"] == 20);
}

TEST_CASE("scaling: roles keeps all machines on, those of before a failure too") {
  Json scenario = scaled({{"policy", "roles"}, {"tick_s", 1}, {"gb_per_s", 1e6}, {"warm_up_s", 1}},
                         {{"faults",
                           {{{"at_s", 20}, {"action", "stop"}, {"machine", 3}},
                            {{"at_s", 40}, {"action", "start"}, {"machine", 3}}}}});
  scenario["pools"][1]["start_count"] = 1;
  const SeenRun run = see(scenario);
  REQUIRE_FALSE(run.statuses.empty());
  CHECK(run.statuses.back().status == InstanceStatus::kUp);
  CHECK(run.statuses.back().instance == 3);
  CHECK(run.statuses.back().time_s > 40);
}

TEST_CASE("scaling: a machine that failed is replaced, and its repair turns on no other") {
  const Json faults = {{{"at_s", 20}, {"action", "stop"}, {"machine", 2}},
                       {{"at_s", 60}, {"action", "start"}, {"machine", 2}}};
  const SeenRun run = see(scaled(
      {{"policy", "schedule"}, {"sizes", {{0, {2, 1}}}}, {"gb_per_s", 1e6}, {"warm_up_s", 1}},
      {{"faults", faults},
       {"pools",
        {pool("prompt", 2),
         {{"role", "token"}, {"machine", "dgx-h100"}, {"count", 2}, {"start_count", 1}}}}}));
  const auto on_s = [&](InstanceId id) {
    double since_s = id == 3 ? -1 : 0;
    double sum_s = 0;
    for (const SeenStatus& each : run.statuses) {
      if (each.instance != id) continue;
      if (each.status == InstanceStatus::kOff && since_s >= 0) {
        sum_s += each.time_s - since_s;
        since_s = -1;
      } else if (each.status == InstanceStatus::kLoading) {
        since_s = each.time_s;
      }
    }
    return since_s >= 0 ? sum_s + run.summary["duration_s"].get<double>() - since_s : sum_s;
  };
  CHECK(on_s(2) == Approx(20));
  CHECK(on_s(3) == Approx(run.summary["duration_s"].get<double>() - 20));
  CHECK(run.summary["requests"]["completed"] == 200);
}

TEST_CASE("scaling: planner starts from nothing") {
  Json scenario =
      scaled({{"policy", "planner"}, {"tick_s", 5}, {"gb_per_s", 1e6}, {"warm_up_s", 1}});
  for (Json& each : scenario["pools"]) each["min_count"] = each["start_count"] = 0;
  const SeenRun run = see(scenario);
  CHECK(run.summary["requests"]["completed"] == 200);
  CHECK(run.summary["duration_s"].get<double>() < 200);
}

TEST_CASE("scaling: a run in which nothing can go on ends, with caps and failures that go on") {
  Json scenario{
      {"workload",
       {{"prompt_tokens", 1000},
        {"output_tokens", 100},
        {"arrivals", "constant"},
        {"rate_rps", 2},
        {"duration_s", 50}}},
      {"pools", {pool("mixed", 1)}},
      {"faults",
       {{{"at_s", 20}, {"action", "stop"}, {"machine", 0}},
        {{"at_s", 0}, {"action", "failures"}, {"machine", 0}, {"mtbf_h", 0.1}, {"repair_s", 30}}}}};
  scenario["pools"][0]["power_cap"] = {{0, 1}, {3600, 0.8}};
  const SeenRun run = see(scenario);
  CHECK(run.summary["requests"]["stranded"].get<int>() > 0);
  CHECK(run.summary["duration_s"].get<double>() < 3 * 86400);
}

TEST_CASE("scaling: where nothing ever comes on, requests of a warm-up stay unfinished") {
  Json off = scaled({{"policy", "schedule"}, {"sizes", {{0, {0, 0}}}}},
                    {{"results", {{"warmup_s", "auto"}}}});
  off["workload"] = {{"prompt_tokens", 1000},
                     {"output_tokens", 10},
                     {"arrivals", "infinite"},
                     {"requests", 1},
                     {"warmup_requests", 3}};
  for (Json& each : off["pools"]) {
    each["min_count"] = 0;
    each["start_count"] = 0;
  }
  const SeenRun run = see(off);
  CHECK(run.requests()["unfinished"] == 3);
  CHECK(run.requests()["stranded"] == 3);
  CHECK(run.requests()["completed"] == 0);
}
