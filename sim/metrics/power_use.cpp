#include "sim/metrics/power_use.h"

#include "sim/metrics/ratio.h"

namespace cleave {

const FigureTable<PowerBudget>& PowerBudget::figures() {
  static const FigureTable<PowerBudget> table{
      {"budget_w", "W", "the scenario's",
       [](const PowerBudget& budget) { return budget.budget_w; }},
      {"p99_share", "fraction", "`p99_w` / `budget_w`",
       [](const PowerBudget& budget) { return budget.p99_share; }},
      {"peak_share", "fraction", "`peak_w` / `budget_w`",
       [](const PowerBudget& budget) { return budget.peak_share; }},
      {"above_share", "fraction", "share of the windows in which the cluster draws more",
       [](const PowerBudget& budget) { return budget.above_share; }},
      {"holds", "", "`peak_w` <= `budget_w`",
       [](const PowerBudget& budget) { return budget.holds; }}};
  return table;
}

const FigureTable<PowerUse>& PowerUse::figures() {
  static const FigureTable<PowerUse> table{
      {"provisioned_w", "W", "provisioned_w", better::less(),
       "what is set aside for all machines: each profile's, times the power cap, as the paper has "
       "it; only the GPUs are capped, so that deeply capped machines can draw more, and the run "
       "then says so",
       [](const PowerUse& use) { return use.cluster.provisioned_w; }},
      {"idle_w", "W", "idle_w", better::less(), "all machines on and idle",
       [](const PowerUse& use) { return use.cluster.idle_w; }},
      {"mean_w", "W", "mean_w", better::less(), "`energy_kwh` / `duration_s`",
       [](const PowerUse& use) { return use.cluster.mean_w; }},
      {"p99_w", "W", "p99_w", better::less(), "99th percentile of the power in windows of time",
       [](const PowerUse& use) { return use.cluster.p99_w; }},
      {"peak_w", "W", "peak_w", better::less(), "the most in any of them",
       [](const PowerUse& use) { return use.cluster.peak_w; }},
      {"window_s", "s", "power_window_s", better::neither(), "their width",
       [](const PowerUse& use) { return use.cluster.window_s; }},
      {"estimated", "", "power_estimated", better::neither(),
       "whether GPU power was measured on another GPU, LLM or tensor-parallel degree",
       [](const PowerUse& use) { return use.cluster.estimated; }},
      {"how_sure", "", "what estimated power rests on, in words; \"\" where all was measured",
       [](const PowerUse& use) { return use.cluster.how_sure; }},
      {"budget", PowerBudget::figures(),
       [](const PowerUse& use) { return PowerBudget::figures().json(use.cluster.budget); }},
      {"energy_kwh", "kWh", "energy_kwh", better::less(),
       "over the run, idle times included; machines that are off draw nothing",
       [](const PowerUse& use) { return use.cluster.energy_j / kJoulesPerKwh; }},
      {"j_per_output_token", "J", "j_per_output_token", better::less("1%"),
       "`window.energy_kwh` / output tokens of the window; null where there are none",
       [](const PowerUse& use) {
         return share(use.measured.energy_j, use.measured.output_tokens);
       }},
      {"j_per_token", "J", "j_per_token", better::less(), "the same / prompt and output tokens",
       [](const PowerUse& use) {
         return share(use.measured.energy_j,
                      use.measured.output_tokens + use.measured.prompt_tokens);
       }},
      {"j_per_request", "J", "j_per_request", better::less(), "the same / completed requests",
       [](const PowerUse& use) {
         return share(use.measured.energy_j, use.measured.completed_requests);
       }},
      {"prompt_j_per_prompt_token", "J", "prompt_j_per_prompt_token", better::less(),
       "energy above idle of iterations with prompts in them / prompt tokens, in the window",
       [](const PowerUse& use) {
         return share(use.measured.prompt_j, use.measured.prompt_tokens);
       }},
      {"decode_j_per_output_token", "J", "decode_j_per_output_token", better::less(),
       "energy above idle of the other iterations / output tokens, in the window",
       [](const PowerUse& use) {
         return share(use.measured.decode_j, use.measured.output_tokens);
       }}};
  return table;
}

}  // namespace cleave
