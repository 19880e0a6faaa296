#include "sim/report/day_text.h"

#include "sim/report/summary_values.h"
#include "sim/report/table.h"

namespace cleave {

namespace {

/// More changes of direction an hour than this are no following of the load.
constexpr double kBusyReversals = 12;
/// And fewer in all may be chance.
constexpr double kLeastReversals = 10;

}  // namespace

bool oscillates(const Json& summary) {
  const Json scaling = summary.value("scaling", Json());
  return scaling.is_object() && number(scaling, "reversals") >= kLeastReversals &&
         number(scaling, "reversals_per_hour") > kBusyReversals;
}

std::string scaling_text(const Json& summary) {
  const Json scaling = summary.value("scaling", Json());
  if (!scaling.is_object()) return "";
  std::string text = "Scaling by " + scaling["policy"].get<std::string>() + ": machines on for " +
                     figure(number(scaling, "machine_hours")) + " of " +
                     figure(number(scaling, "machine_hours_of_all")) + " machine-hours, " +
                     percent(number(scaling, "on_share")) + " (with hindsight " +
                     quantity(scaling, "hindsight_machine_hours") + "); " +
                     grouped(number(scaling, "starts")) + " starts, " +
                     grouped(number(scaling, "stops")) + " stops, " +
                     grouped(number(scaling, "reversals")) + " changes of direction";
  if (number(scaling, "side_changes") > 0) {
    text += ", " + grouped(number(scaling, "side_changes")) + " changes of side";
  }
  return text + "\n";
}

std::string classes_text(const Json& summary) {
  const Json classes = summary.value("classes", Json());
  if (!classes.is_array() || classes.empty()) return "";
  Table table({"class", "arrived", "completed", "sent away", "TTFT P50", "P99", "TPOT P50", "P99",
               "attainment", "goodput"});
  for (const Json& each : classes) {
    const double sent_away =
        number(each, "too_large") + number(each, "over_rate") + number(each, "late");
    const bool judged = each["attainment"].is_number();
    table.add({each["name"].get<std::string>(), grouped(number(each, "arrived")),
               grouped(number(each, "completed")), grouped(sent_away),
               quantity(each["ttft"], "p50"), quantity(each["ttft"], "p99"),
               quantity(each["tpot"], "p50"), quantity(each["tpot"], "p99"),
               judged ? percent(number(each, "attainment")) : "-",
               judged ? figure(number(each, "goodput_rps")) + "/s" : "-"});
  }
  const Json& fairness = summary["fairness"];
  std::string text = table.text() + "Fairness (Jain): service " + quantity(fairness, "service");
  if (fairness["attainment"].is_number())
    text += ", attainment " + quantity(fairness, "attainment");
  return text + "\n";
}

std::string energy_text(const Json& summary) {
  const Json energy = summary.value("energy", Json());
  if (!energy.is_object()) return "";
  std::string text = "Energy at the meter: " + figure(number(energy, "facility_kwh")) + " kWh";
  if (energy["usd"].is_number()) {
    text += ", " + quantity(energy, "usd") + " $ (with machines " +
            quantity(energy, "usd_per_million_tokens") + " $ per million tokens)";
  }
  if (energy["kg_co2"].is_number()) {
    text += ", " + quantity(energy, "kg_co2") + " kg CO2 (" +
            quantity(energy, "g_co2_per_million_tokens") + " g per million tokens)";
  }
  return text + "\n";
}

}  // namespace cleave
