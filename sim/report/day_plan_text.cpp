#include "sim/report/day_plan_text.h"

#include "sim/report/table.h"

namespace cleave {

namespace {

constexpr double kHourS = 3600;

std::string pools_text(const Json& pools, const Json& counts) {
  std::string text;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    text += (text.empty() ? "" : " + ") + std::to_string(counts[i].get<int>()) + " " +
            pools[i]["role"].get<std::string>() + " " + pools[i]["machine"].get<std::string>();
  }
  return text;
}

Json counts_of(const Json& pools) {
  Json counts = Json::array();
  for (const Json& pool : pools) counts.push_back(pool["count"]);
  return counts;
}

std::string steps_text(const Json& design) {
  Table table({"hours", "requests/s", "needs"}, 3);
  Json last;
  double from_s = 0;
  const auto add = [&](double to_s) {
    if (last.is_null()) return;
    table.add({figure(from_s / kHourS) + " to " + figure(to_s / kHourS),
               figure(last["rate_rps"].get<double>()),
               pools_text(design["fleet"], last["counts"])});
  };
  for (const Json& step : design["steps"]) {
    add(step["from_s"].get<double>());
    from_s = step["from_s"].get<double>();
    last = step;
  }
  add(design["steps"].back()["to_s"].get<double>());
  return table.text();
}

std::string ways_text(const Json& design) {
  Table table({"way", "SLO", "attainment", "machine-hours", "$", "kWh", "starts",
               "changes of direction an hour"},
              2);
  for (const Json& way : design["ways"]) {
    std::string broken;
    for (const Json& limit : way["breaks"]) {
      broken += (broken.empty() ? "" : ", ") + limit.get<std::string>();
    }
    table.add({way["name"].get<std::string>(), way["holds"].get<bool>() ? "holds" : broken,
               percent(way["attainment"].get<double>()), figure(way["machine_hours"].get<double>()),
               way["usd"].is_number() ? figure(way["usd"].get<double>()) : "-",
               figure(way["energy_kwh"].get<double>()), grouped(way["starts"].get<double>()),
               figure(way["reversals_per_hour"].get<double>())});
  }
  return table.text();
}

}  // namespace

std::string day_plan_text(const Json& plan) {
  std::string text;
  const Json& optimum = plan["optimum"];
  if (!optimum.is_null()) {
    text += "Optimum: " + optimum["design"].get<std::string>() + ", " +
            optimum["way"].get<std::string>() + "\n\n";
  }
  for (const Json& design : plan["designs"]) {
    const auto name = design["design"].get<std::string>();
    if (design.contains("why")) {
      text += wrapped("Infeasible: " + name + ": " + design["why"].get<std::string>()) + "\n\n";
      continue;
    }
    text += "Fleet of " + name + ": " + pools_text(design["fleet"], counts_of(design["fleet"])) +
            "\n" + steps_text(design) + "With hindsight, at no notice: " +
            figure(design["hindsight"]["machine_hours"].get<double>()) + " machine-hours\n\n" +
            ways_text(design) + "\n";
  }
  return text + "Simulations: " + plan["simulations"].dump() + "\n";
}

}  // namespace cleave
