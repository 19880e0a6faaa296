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

TEST_CASE("day plan: classes have rates of their own over the day, and limits of their own") {
  // Chat is the workload's share and comes by day; batch has its own requests and comes by night.
  Json plan = small_day();
  Json& scenario = plan["scenario"];
  const Json limits = scenario["slo"];
  scenario.erase("slo");
  scenario["workload"]["rates"] = {{0, 24}, {590, 24}, {610, 4}, {1200, 4}};
  scenario["classes"] = {{{"name", "chat"}, {"share", 1}, {"slo", limits}},
                         {{"name", "batch"},
                          {"slo", {{"limits", {{"e2e", {{"p90", 60}}}}}}},
                          {"workload",
                           {{"prompt_tokens", 1500},
                            {"output_tokens", 30},
                            {"arrivals", "constant"},
                            {"rates", {{0, 1}, {590, 1}, {610, 12}, {1200, 12}}}}}}};
  const Json answer = found(plan);
  const Json& design = answer["designs"][0];
  REQUIRE(design["steps"].size() == 2);
  CHECK(design["steps"][0]["rates_rps"] == Json::array({24, 6.5}));
  CHECK(design["steps"][0]["rate_rps"] == 30.5);
  CHECK(design["steps"][1]["rates_rps"] == Json::array({14, 12}));
  // As a plan of one rate of each says.
  Json one = plan;
  one.erase("day");
  one["scenario"]["workload"].erase("rates");
  one["scenario"]["workload"]["rate_rps"] = 24;
  one["scenario"]["workload"]["duration_s"] = 30;
  Json& batch = one["scenario"]["classes"][1]["workload"];
  batch.erase("rates");
  batch["rate_rps"] = 6.5;
  const Json by_day = find_plan(read_plan(one, "plan.json"), 2, [](std::size_t) {});
  CHECK(design["steps"][0]["counts"][0] == by_day["optimum"]["machines"]);
  CHECK(way(answer, "all on")["holds"] == true);
  // What a class loses is told by its name.
  plan["scenario"]["classes"][1]["slo"] = {{"limits", {{"e2e", {{"p90", 0.01}}}}}};
  const Json lost = found(plan);
  CHECK(lost["optimum"].is_null());
  CHECK(lost["designs"][0]["why"].get<std::string>().find("class batch") != std::string::npos);
}

TEST_CASE("day plan: of classes one has a share, and one of all has rates over time") {
  Json plan = small_day();
  plan["scenario"]["classes"] = {
      {{"name", "batch"}, {"workload", {{"prompt_tokens", 9}, {"output_tokens", 9}}}}};
  CHECK(error_of([&] { found(plan); }) ==
        "day.json: scenario.classes: a plan of a day needs one with a share");
  plan["scenario"]["classes"].push_back({{"name", "chat"}, {"share", 1}});
  plan["scenario"]["classes"][0]["workload"]["arrivals"] = "poisson";
  CHECK(error_of([&] { found(plan); }).find("scenario.classes[0].workload.rates: is missing") !=
        std::string::npos);
}

TEST_CASE("day plan: a class of which nothing comes in a step breaks nothing in it") {
  Json plan = small_day();
  Json& scenario = plan["scenario"];
  scenario["classes"] = {{{"name", "chat"}, {"share", 1}, {"slo", scenario["slo"]}},
                         {{"name", "batch"},
                          {"slo", {{"limits", {{"e2e", {{"p90", 600}}}}}}},
                          {"workload",
                           {{"prompt_tokens", 1500},
                            {"output_tokens", 30},
                            {"arrivals", "constant"},
                            {"rates", {{0, 3}, {590, 0}, {1200, 0}}}}}}};
  scenario.erase("slo");
  const Json answer = found(plan);
  REQUIRE(answer["designs"][0].contains("steps"));
  CHECK(way(answer, "all on")["breaks"] == Json::array());
  CHECK(way(answer, "all on")["holds"] == true);
}
