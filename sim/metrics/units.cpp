#include "sim/metrics/units.h"

namespace cleave {

const std::vector<Unit>& units() {
  static const std::vector<Unit> all{
      {"s", "seconds", "ttft, tpot, itl, e2e, largest_gap, queueing, transfer, *_s"},
      {"requests/s", "requests per second", "*_rps"},
      {"tokens/s", "tokens per second", "*_per_s"},
      {"bytes", "bytes", "*_bytes"},
      {"W", "watts", "*_w"},
      {"kWh", "kilowatt-hours", "*_kwh"},
      {"J", "joules", "*_j"},
      {"$", "US dollars", "price_*, *_usd"},
      {"fraction", "fraction from 0 to 1",
       "utilization, *_share, memory_mean, memory_peak, attainment"},
      {"times", "times the latency of the uncontended reference machine", "slowdown"},
      {"requests", "", ""},
      {"tokens", "", ""},
      {"bytes/s", "", ""},
      {"$/h", "", ""},
      {"requests/$", "", ""},
      {"h", "hours", "machine_hours, machine_hours_of_all"},
      {"1/h", "", ""},
      {"kg", "", ""},
      {"g", "", ""}};
  return all;
}

Json units_json() {
  Json json = Json::object();
  for (const Unit& unit : units()) {
    if (*unit.names != '\0') json[unit.names] = unit.text;
  }
  return json;
}

}  // namespace cleave
