// Caps of GPUs that keep a power budget, and what they do to iterations.

#include "sim/scaling/power_caps.h"

#include "models/latency/power.h"
#include "tests/catch.h"
#include "tests/support/seen_run.h"
#include "tests/unit/traces_support.h"

using namespace cleave;
using cleave::testing::error_of;

namespace {

/// Two prompt instances and three token instances: 400 W each, and GPUs of 1000 W, of which decodes
/// draw 600.
std::vector<CappedPool> pools() {
  return {{PoolRole::kPrompt, 2, 400, 1000, 1, 0.6}, {PoolRole::kToken, 3, 400, 1000, 1, 0.6}};
}

void check_caps(const std::vector<double>& caps, double prompt, double token) {
  REQUIRE(caps.size() == 2);
  CHECK(caps[0] == Approx(prompt));
  CHECK(caps[1] == Approx(token));
}

Json cluster(const Json& power, const Json& more = Json::object()) {
  Json scenario{{"workload",
                 {{"prompt_tokens", 2000},
                  {"output_tokens", 50},
                  {"arrivals", "constant"},
                  {"rate_rps", 12},
                  {"duration_s", 60}}},
                {"pools", {pool("prompt", 4), pool("token", 4)}},
                {"power", power},
                {"results", {{"warmup_s", 0}}}};
  scenario.merge_patch(more);
  return scenario;
}

}  // namespace

TEST_CASE("power caps: where the budget is enough, everything stays as it is") {
  check_caps(power_caps(pools(), 7000, SlowedFirst::kPrompts, 0.4), 1, 1);
}

TEST_CASE("power caps: token pools lose first what decodes do not draw") {
  check_caps(power_caps(pools(), 6100, SlowedFirst::kPrompts, 0.4), 1, 0.7);
  check_caps(power_caps(pools(), 5800, SlowedFirst::kTokens, 0.4), 1, 0.6);
}

TEST_CASE("power caps: then the side that is to be slowed first, down to the least cap") {
  // 2000 W are not the GPUs'.
  check_caps(power_caps(pools(), 2000 + 1800 + 1000, SlowedFirst::kPrompts, 0.4), 0.5, 0.6);
  check_caps(power_caps(pools(), 2000 + 1500 + 800, SlowedFirst::kPrompts, 0.4), 0.4, 0.5);
  check_caps(power_caps(pools(), 2000 + 1350 + 2000, SlowedFirst::kTokens, 0.4), 1, 0.45);
  check_caps(power_caps(pools(), 2000 + 1200 + 1500, SlowedFirst::kTokens, 0.4), 0.75, 0.4);
}

TEST_CASE("power caps: what cannot be kept leaves all at the least cap") {
  check_caps(power_caps(pools(), 100, SlowedFirst::kPrompts, 0.4), 0.4, 0.4);
}

TEST_CASE("power caps: a pool's own lower cap stays, and machines that are off count nothing") {
  std::vector<CappedPool> some = pools();
  some[0].own_cap = 0.5;
  some[1].on = 0;
  check_caps(power_caps(some, 1800, SlowedFirst::kPrompts, 0.4), 0.5, 1);
  CHECK(most_w(some, {0.5, 1}) == Approx(1800));
}

TEST_CASE("power caps: no cap is lower than what GPUs draw at rest is worth") {
  std::vector<CappedPool> some = pools();
  for (CappedPool& pool : some) pool.idle_share = 0.5;
  CHECK(most_w(some, {0.4, 0.6}) == Approx(2000 + 1000 + 1800));
  // Prompt pools give 1000 W at most; the rest comes from decodes.
  check_caps(power_caps(some, 2000 + 1000 + 1650, SlowedFirst::kPrompts, 0.4), 0.4, 0.55);
}

TEST_CASE("power caps: whatever the budget, it is kept where it can be") {
  for (double budget_w = 4000; budget_w < 7500; budget_w += 37) {
    for (const SlowedFirst first : {SlowedFirst::kPrompts, SlowedFirst::kTokens}) {
      CHECK(most_w(pools(), power_caps(pools(), budget_w, first, 0.4)) <= budget_w * (1 + 1e-12));
    }
  }
}

TEST_CASE(
    "power caps: a budget that is enforced is kept at all times, and costs time to first token") {
  const SeenRun free = see(cluster({{"budget_w", 56e3}}));
  CHECK(free.summary["power"]["budget"]["holds"] == false);
  const SeenRun held = see(cluster({{"budget_w", 56e3}, {"enforce", "prompts"}}));
  CHECK(held.summary["power"]["budget"]["holds"] == true);
  CHECK(held.summary["ttft"]["mean"].get<double>() >
        1.1 * free.summary["ttft"]["mean"].get<double>());
  CHECK(held.summary["requests"]["completed"] == held.summary["requests"]["arrived"]);
  for (const Segment& segment : held.segments) CHECK(segment.power_cap < 1);
}

TEST_CASE("power caps: an iteration under a cap takes as much longer as a machine so capped") {
  const auto prompt_s = [](const SeenRun& run) {
    for (const Segment& segment : run.segments) {
      if (segment.prompts == 1) return segment.end_s - segment.start_s;
    }
    return 0.0;
  };
  const Json always = Json::array({Json::array({0, 0.5})});
  Json capped = cluster(Json::object());
  capped.erase("power");
  capped["llm"] = "llama2-70b";
  Json by_time = capped;
  capped["pools"][0]["power_cap"] = 0.5;
  by_time["pools"][0]["power_cap"] = always;
  CHECK(prompt_s(see(capped)) == Approx(prompt_s(see(by_time))));
}

TEST_CASE("power caps: they change at their times, for whole iterations") {
  Json changing = cluster(Json::object());
  changing.erase("power");
  changing["pools"][0]["power_cap"] = {{0, 1}, {20, 0.5}, {40, 1}};
  const SeenRun run = see(changing);
  for (const Segment& segment : run.segments) {
    if (segment.instance >= 4) continue;
    if (segment.start_s > 20 && segment.end_s <= 40) CHECK(segment.power_cap == 0.5);
    if (segment.end_s < 20 || segment.start_s > 40) CHECK(segment.power_cap == 1);
  }
}

TEST_CASE("power caps: what cannot be is said in a sentence") {
  const auto error = [](const Json& power) {
    return error_of([&] { read_scenario(scenario_of(cluster(power))); });
  };
  CHECK(error({{"enforce", "prompts"}}) == "power.enforce: has no meaning without budget_w");
  CHECK(error({{"budget_w", 1e5}, {"least_cap", 0.5}}) ==
        "power.least_cap: has no meaning without enforce");
  CHECK(error({{"pue", 1.2}}) ==
        "power.pue: has no meaning without usd_per_kwh or g_co2_per_kwh beside it");
}

TEST_CASE("energy: price, carbon and PUE of the time at which it is drawn") {
  const SeenRun run =
      see(cluster({{"usd_per_kwh", {{0, 0.1}, {30, 0.3}}}, {"g_co2_per_kwh", 400}, {"pue", 1.5}}));
  double usd = 0;
  for (const Json& each : run.summary["pools"]) {
    const Json& over = each["over_time"];
    const double width_s = over["bucket_s"];
    const double end_s = run.summary["duration_s"];
    for (std::size_t i = 0; i < over["power_w"].size(); ++i) {
      const double from_s = static_cast<double>(i) * width_s;
      const double seconds = std::min(width_s, end_s - from_s);
      const double price = from_s + seconds / 2 < 30 ? 0.1 : 0.3;
      usd += over["power_w"][i].get<double>() * seconds / 3.6e6 * 1.5 * price;
    }
  }
  const Json& energy = run.summary["energy"];
  CHECK(energy["usd"].get<double>() == Approx(usd).epsilon(1e-6));
  const double kwh = run.summary["power"]["energy_kwh"];
  CHECK(energy["facility_kwh"].get<double>() == Approx(1.5 * kwh));
  CHECK(energy["kg_co2"].get<double>() == Approx(1.5 * kwh * 0.4));
}
