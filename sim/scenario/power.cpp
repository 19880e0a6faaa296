#include "sim/scenario/power.h"

namespace cleave {

PowerSpec read_power(JsonReader& scenario) {
  PowerSpec spec;
  if (!scenario.has("power")) return spec;
  JsonReader power = scenario.object("power");
  if (power.has("budget_w")) spec.budget_w = power.number("budget_w", kPositive);
  if (power.has("enforce")) {
    const std::string first = power.name("enforce", "choice", {"prompts", "tokens"});
    spec.enforce = first == "prompts" ? SlowedFirst::kPrompts : SlowedFirst::kTokens;
    if (spec.budget_w == 0) power.fail("enforce", "has no meaning without budget_w");
  }
  if (power.has("least_cap")) {
    spec.least_cap = power.number("least_cap", {0.1, 1, false});
    if (!spec.enforce) power.fail("least_cap", "has no meaning without enforce");
  }
  spec.pue = read_timed_values(power, "pue", {1, 10, false}, 1);
  if (power.has("usd_per_kwh")) {
    spec.usd_per_kwh = read_timed_values(power, "usd_per_kwh", {-100, 100, false}, 0);
  }
  if (power.has("g_co2_per_kwh")) {
    spec.g_co2_per_kwh = read_timed_values(power, "g_co2_per_kwh", {0, 1e5, false}, 0);
  }
  if (power.has("pue") && !spec.usd_per_kwh && !spec.g_co2_per_kwh) {
    power.fail("pue", "has no meaning without usd_per_kwh or g_co2_per_kwh beside it");
  }
  power.finish();
  return spec;
}

}  // namespace cleave
