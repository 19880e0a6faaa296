#include "sim/metrics/energy_bill.h"

#include "sim/metrics/ratio.h"

namespace cleave {

const FigureTable<EnergyBill>& EnergyBill::figures() {
  using B = EnergyBill;
  constexpr static double kMillion = 1e6;
  static const FigureTable<B> table{
      {"facility_kwh", "kWh", "facility_kwh", better::less(),
       "`power.energy_kwh` times `power.pue` of the scenario, as it was at the time",
       [](const B& bill) { return bill.facility_kwh; }},
      {"usd", "$", "energy_usd", better::less(),
       "the same at its price; null where the scenario has none",
       [](const B& bill) { return bill.usd; }},
      {"kg_co2", "kg", "kg_co2", better::less(),
       "the same at the grid's carbon intensity; null where the scenario has none",
       [](const B& bill) { return bill.kg_co2; }},
      {"usd_per_million_tokens", "$", "usd_per_million_tokens", better::less(),
       "energy and `cost.spent_usd` / prompt and output tokens of completed requests",
       [](const B& bill) -> std::optional<double> {
         if (!bill.usd || !known(bill.machines_usd)) return {};
         return share(*bill.usd + bill.machines_usd, bill.tokens / kMillion);
       }},
      {"g_co2_per_million_tokens", "g", "g_co2_per_million_tokens", better::less(),
       "`kg_co2` / the same tokens", [](const B& bill) -> std::optional<double> {
         if (!bill.kg_co2) return {};
         return share(1000 * *bill.kg_co2, bill.tokens / kMillion);
       }}};
  return table;
}

}  // namespace cleave
