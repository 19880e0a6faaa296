#include "sim/scenario/power.h"

#include "sim/base/reference.h"

namespace cleave {

namespace {

const Setting kBudget{"budget_w", nullptr, "W", "the cluster's power is held against it",
                      in(kPositive)};
const Setting kEnforce{"enforce", nullptr, "",
                       "within the budget: machines of that phase are slowed first; else it is "
                       "only watched",
                       one_of({"prompts", "tokens"})};
const Setting kLeastCap{"least_cap", 0.4, "of TDP", "no GPU is capped below it",
                        in({0.1, 1, false})};
const Setting kPue{"pue", 1, "", "power of the building over that of machines",
                   over_time({1, 10, false})};
const Setting kPrice{"usd_per_kwh", nullptr, "$/kWh", "of electricity",
                     over_time({-100, 100, false})};
const Setting kCarbon{"g_co2_per_kwh", nullptr, "g/kWh", "of electricity",
                      over_time({0, 1e5, false})};
const Reference::Entry kPower{{"scenario",
                               "power",
                               "A budget, and what energy costs.",
                               {kBudget, kEnforce, kLeastCap, kPue, kPrice, kCarbon}}};

}  // namespace

PowerSpec read_power(JsonReader& scenario) {
  PowerSpec spec;
  if (!scenario.has("power")) return spec;
  JsonReader power = scenario.object("power");
  spec.budget_w = kBudget.optional_number(power).value_or(0);
  if (kEnforce.given(power)) {
    const std::string first = kEnforce.choice(power);
    spec.enforce = first == "prompts" ? SlowedFirst::kPrompts : SlowedFirst::kTokens;
    if (spec.budget_w == 0) power.fail("enforce", "has no meaning without budget_w");
  }
  spec.least_cap = kLeastCap.number(power);
  if (kLeastCap.given(power) && !spec.enforce) {
    power.fail("least_cap", "has no meaning without enforce");
  }
  spec.pue = read_timed_values(power, kPue, 1);
  if (kPrice.given(power)) spec.usd_per_kwh = read_timed_values(power, kPrice, 0);
  if (kCarbon.given(power)) spec.g_co2_per_kwh = read_timed_values(power, kCarbon, 0);
  if (kPue.given(power) && !spec.usd_per_kwh && !spec.g_co2_per_kwh) {
    power.fail("pue", "has no meaning without usd_per_kwh or g_co2_per_kwh beside it");
  }
  power.finish();
  return spec;
}

}  // namespace cleave
