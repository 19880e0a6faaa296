// Instances that are off, load, are up or drain: what they are given, what they draw and cost.

#include "models/latency/power.h"
#include "sim/metrics/off_times.h"
#include "tests/catch.h"
#include "tests/support/accounts.h"
#include "tests/support/seen_run.h"

using namespace cleave;

namespace {

/// Five requests a second for a minute on two prompt machines (0, 1) and two token machines.
Json with_faults(Json faults) {
  return {{"workload",
           {{"prompt_tokens", 1000},
            {"output_tokens", 100},
            {"arrivals", "constant"},
            {"rate_rps", 5},
            {"duration_s", 60}}},
          {"pools", {pool("prompt", 2), pool("token", 2)}},
          {"faults", std::move(faults)},
          {"results", {{"warmup_s", 0}}}};
}

double idle_w() {
  const Scenario scenario = read_scenario(scenario_of(with_faults(Json::array())));
  return PowerModel(scenario.llms.front(), scenario.pools[0].machine, scenario.pools[0].gpu_share())
      .idle_w();
}

}  // namespace

TEST_CASE(
    "status: a draining machine finishes what it has, is given nothing new, and is off then") {
  const SeenRun run = see(with_faults({{{"at_s", 20}, {"action", "drain"}, {"machine", 2}}}));
  CHECK(run.requests()["completed"] == run.requests()["arrived"]);
  CHECK(run.requests()["restarts"] == 0);
  REQUIRE(run.statuses.size() == 2);
  CHECK(run.statuses[0].status == InstanceStatus::kDraining);
  CHECK(run.statuses[0].time_s == 20);
  CHECK(run.statuses[1].status == InstanceStatus::kOff);
  double last_s = 0;
  for (const FinishedRequest& request : run.finished) {
    if (request.token_instance != 2) continue;
    CHECK(request.arrival_s <= 20);
    last_s = std::max(last_s, request.completion_s);
  }
  CHECK(run.statuses[1].time_s == last_s);
  CHECK(last_s > 20);
}

TEST_CASE("status: a machine that drains idle is off at once, and one that starts again is up") {
  const SeenRun run = see(with_faults({{{"at_s", 0.001}, {"action", "drain"}, {"machine", 1}},
                                       {{"at_s", 30}, {"action", "start"}, {"machine", 1}}}));
  REQUIRE(run.statuses.size() == 3);
  CHECK(run.statuses[1].status == InstanceStatus::kOff);
  CHECK(run.statuses[1].time_s == 0.001);
  CHECK(run.statuses[2].status == InstanceStatus::kUp);
  for (const FinishedRequest& request : run.finished) {
    if (request.arrival_s > 0.001 && request.arrival_s < 30) CHECK(request.prompt_instance == 0);
  }
}

TEST_CASE("status: weights are loaded before a machine takes anything") {
  const SeenRun run =
      see(with_faults({{{"at_s", 10}, {"action", "stop"}, {"machine", 2}},
                       {{"at_s", 20}, {"action", "start"}, {"machine", 2}, {"load_s", 15}}}));
  REQUIRE(run.statuses.size() == 3);
  CHECK(run.statuses[1].status == InstanceStatus::kLoading);
  CHECK(run.statuses[2].status == InstanceStatus::kUp);
  CHECK(run.statuses[2].time_s == 35);
  bool used_again = false;
  for (const FinishedRequest& request : run.finished) {
    if (request.arrival_s > 10 && request.arrival_s < 35) CHECK(request.token_instance != 2);
    used_again |= request.arrival_s > 35 && request.token_instance == 2;
  }
  CHECK(used_again);
}

TEST_CASE("status: a machine that stops while it loads stays off") {
  const SeenRun run =
      see(with_faults({{{"at_s", 10}, {"action", "stop"}, {"machine", 2}},
                       {{"at_s", 20}, {"action", "start"}, {"machine", 2}, {"load_s", 15}},
                       {{"at_s", 25}, {"action", "stop"}, {"machine", 2}}}));
  REQUIRE(run.statuses.size() == 3);
  CHECK(run.statuses.back().status == InstanceStatus::kOff);
}

TEST_CASE("status: off machines draw nothing and cost nothing, in every figure") {
  const SeenRun on = see(with_faults(Json::array()));
  const SeenRun off = see(with_faults({{{"at_s", 0}, {"action", "drain"}, {"machine", 1}},
                                       {{"at_s", 40}, {"action", "start"}, {"machine", 1}}}));
  const Json& pool = off.summary["pools"][0];
  const double end_s = off.summary["duration_s"];
  CHECK(pool["off_share"].get<double>() == Approx(40 / (2 * end_s)));
  const double price = off.summary["cost"]["price_per_hour"];
  CHECK(off.summary["cost"]["spent_usd"].get<double>() ==
        Approx(price * (end_s - 40.0 / 4) / 3600));
  CHECK(off.summary["window"]["energy_kwh"].get<double>() < on.summary["window"]["energy_kwh"]);
  double busy_j = 0;
  const PowerModel power = [] {
    const Scenario scenario = read_scenario(scenario_of(with_faults(Json::array())));
    return PowerModel(scenario.llms.front(), scenario.pools[0].machine,
                      scenario.pools[0].gpu_share());
  }();
  for (const Segment& segment : off.segments) {
    const double watts =
        segment.prompts > 0 ? power.prompt_w(segment.prompt_tokens) : power.decode_w();
    busy_j += (watts - power.idle_w()) * (segment.end_s - segment.start_s);
  }
  const double energy_j = busy_j + idle_w() * (4 * end_s - 40);
  CHECK(off.summary["power"]["energy_kwh"].get<double>() == Approx(energy_j / 3.6e6));
  double series_j = 0;
  for (const Json& each : off.summary["pools"]) series_j += integral(each, "power_w", end_s);
  CHECK(series_j == Approx(energy_j));
  CHECK(integral(pool, "off_instances", end_s) == Approx(40));
}

TEST_CASE("off times: spans are cut to the time asked for, and an open one ends with the run") {
  OffTimes off(2);
  off.status_changed(1, 10, InstanceStatus::kDraining);
  off.status_changed(1, 12, InstanceStatus::kOff);
  off.status_changed(1, 20, InstanceStatus::kLoading);
  off.status_changed(1, 25, InstanceStatus::kUp);
  off.status_changed(1, 30, InstanceStatus::kOff);
  off.end(50);
  CHECK(off.seconds(1, 0, 50) == 8 + 20);
  CHECK(off.seconds(1, 15, 35) == 5 + 5);
  CHECK(off.seconds(0, 0, 50) == 0);
}
