// Plans of a day: what each step needs, and which way to scale carries it at the least.

#include "sim/explore/day_plan.h"

#include "sim/explore/plan.h"
#include "tests/catch.h"
#include "tests/unit/traces_support.h"

using namespace cleave;
using cleave::testing::error_of;

namespace {

/// Ten minutes at 4 requests/s, ten at 24.
Json small_day() {
  return {{"scenario",
           {{"llm", "llama2-70b"},
            {"workload",
             {{"prompt_tokens", 1500},
              {"output_tokens", 30},
              {"arrivals", "constant"},
              {"rates", {{0, 4}, {590, 4}, {610, 24}, {1200, 24}}}}},
            {"slo", {{"limits", {{"ttft", {{"p90", 0.4}}}, {"tpot", {{"p90", 0.06}}}}}}}}},
          {"minimize", "cost"},
          {"seeds", {1}},
          {"designs",
           {{{"name", "mixed"},
             {"mixed", {{"machine", "dgx-h100"}, {"tensor_parallel", 8}}},
             {"most", 20}}}},
          {"day",
           {{"step_s", 600},
            {"search_s", 30},
            {"lead_s", 120},
            {"scaling",
             {{{"policy", "schedule"}, {"warm_up_s", 5}},
              {{"name", "slow start"}, {"policy", "schedule"}, {"warm_up_s", 500}}}}}}};
}

Json found(const Json& plan) {
  return find_day_plan(plan, "day.json", 2, [](std::size_t) {});
}

std::uint32_t least_at(double rate_rps) {
  Json plan = small_day();
  plan.erase("day");
  plan["scenario"]["workload"].erase("rates");
  plan["scenario"]["workload"]["rate_rps"] = rate_rps;
  plan["scenario"]["workload"]["duration_s"] = 30;
  const Json answer = find_plan(read_plan(plan, "plan.json"), 2, [](std::size_t) {});
  return answer["optimum"]["machines"].get<std::uint32_t>();
}

const Json& way(const Json& answer, const std::string& name) {
  for (const Json& each : answer["designs"][0]["ways"]) {
    if (each["name"] == name) return each;
  }
  FAIL("no way " << name);
  return answer;
}

}  // namespace

TEST_CASE("day plan: each step needs what a plan at its highest rate needs, the fleet the most") {
  const Json answer = found(small_day());
  const Json& design = answer["designs"][0];
  REQUIRE(design["steps"].size() == 2);
  // The first step ends while the rate already rises: 14 requests/s.
  CHECK(design["steps"][0]["rate_rps"] == 14);
  CHECK(design["steps"][1]["rate_rps"] == 24);
  const std::uint32_t few = least_at(14);
  const std::uint32_t many = least_at(24);
  REQUIRE(few < many);
  CHECK(design["steps"][0]["counts"] == Json::array({few}));
  CHECK(design["steps"][1]["counts"] == Json::array({many}));
  CHECK(design["fleet"][0]["count"] == many);
  CHECK(design["hindsight"]["machine_hours"].get<double>() == Approx((few + many) / 6.0));

  const Json& all = way(answer, "all on");
  const Json& scheduled = way(answer, "schedule");
  CHECK(all["holds"] == true);
  CHECK(scheduled["holds"] == true);
  CHECK(scheduled["usd"].get<double>() < all["usd"].get<double>());
  CHECK(answer["optimum"]["way"] == "schedule");
  CHECK(all["machine_hours"].get<double>() == Approx(many / 3.0).epsilon(0.01));
}

TEST_CASE("day plan: a way that is too late is not the answer") {
  Json plan = small_day();
  plan["day"]["scaling"].erase(0);
  plan["day"]["lead_s"] = 0;
  const Json answer = found(plan);
  CHECK(way(answer, "slow start")["holds"] == false);
  CHECK_FALSE(way(answer, "slow start")["breaks"].empty());
  CHECK(answer["optimum"]["way"] == "all on");
}

TEST_CASE("day plan: where nothing holds at some rate, it says at which") {
  Json plan = small_day();
  plan["designs"][0]["most"] = 1;
  const Json answer = found(plan);
  CHECK(answer["optimum"].is_null());
  const auto why = answer["designs"][0]["why"].get<std::string>();
  CHECK(why.find("at 24") == 0);
}

TEST_CASE("day plan: what cannot be is said in a sentence") {
  const auto error_with = [](const std::string& path, const Json& value) {
    Json plan = small_day();
    plan[Json::json_pointer(path)] = value;
    return error_of([&] { found(plan); });
  };
  Json no_rates = small_day();
  no_rates["scenario"]["workload"] = {{"prompt_tokens", 1}, {"output_tokens", 1}, {"rate_rps", 4}};
  CHECK(error_of([&] { found(no_rates); }) ==
        "day.json: scenario.workload.rates: is missing: a plan of a day needs rates over time");
  CHECK(error_with("/day/scaling", Json::array({Json::object()})) ==
        "day.json: day.scaling[0]: expected a policy, as in {\"policy\": \"planner\"}");
  CHECK(error_with("/day/step_s", 1).find("day.json: day.step_s: expected") == 0);
  CHECK(
      error_with("/day/scaling/0/policy", "hope")
          .find(
              "day.json: day.scaling \"hope\": scaling.policy: unknown scaling policy \"hope\"") ==
      0);
  CHECK(error_with("/day/steps", 1).find("day.json: day: unknown key \"steps\"") == 0);
}
