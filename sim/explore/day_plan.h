#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "sim/base/json_reader.h"

namespace cleave {

/// Whether a plan is of a day: it has "day".
bool is_day_plan(const Json& plan);

/// What each step of a day needs, and which way to scale carries all of it at the least. A plan as
/// read_plan() reads it, whose scenario has rates over time, of the workload or of classes with one
/// of their own beside those with a share, and
///   "day": {"step_s" (3600), "search_s" (120), "lead_s" (600), "scaling": [{"name", "policy",
///           ...}, ...]}
/// For each design: the least cluster at the highest rate of each step, as find_plan() finds it in
/// runs of search_s; of the equally good ones those that make the smallest fleet, which is as many
/// machines of each pool as any step needs. The degrees are those of the highest rate. Then the
/// whole day with that fleet: all machines on, and with each way to scale; one of policy
/// "schedule" without sizes gets those of the steps, lead_s early. What keeps the SLO at the least
/// "minimize" (of the day: $ of machines and energy, kWh, or machine-hours) is the answer.
///
/// Gives {"kind": "day plan", "goal", "designs": [{"design", "why" (nothing holds at some rate)},
/// or {"design", "fleet": [pools], "hindsight": {"machine_hours"}, "steps": [{"from_s",
/// "to_s", "rate_rps" (of all), "rates_rps" (of the workload, and of each such class), "counts"}],
/// "ways": [{"name", "holds", "breaks", "attainment", "machine_hours", "usd", "energy_kwh",
/// "starts", "reversals_per_hour"}]}], "optimum": {"design", "way"} or null, "simulations"}.
/// hindsight: if the steps' clusters were there at no notice. Throws InputError.
Json find_day_plan(const Json& plan, const std::string& place, std::size_t parallel,
                   const std::function<void(std::size_t simulations)>& progress);

}  // namespace cleave
