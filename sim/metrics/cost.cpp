#include "sim/metrics/cost.h"

#include "sim/metrics/ratio.h"

namespace cleave {

namespace {

std::optional<double> per_million(double usd, double tokens) {
  constexpr double kMillion = 1e6;
  return known(usd) ? share(usd, tokens / kMillion) : std::nullopt;
}

}  // namespace

const FigureTable<Cost>& Cost::figures() {
  static const FigureTable<Cost> table{
      {"price_per_hour", "$/h", "cost_per_hour", better::less(), "of all machines, on or off",
       [](const Cost& cost) { return known(cost.price_per_hour); }},
      {"spent_usd", "$", "spent_usd", better::less(),
       "price of the machines for the time in which they were on, and what is paid for those that "
       "are off",
       [](const Cost& cost) { return known(cost.spent_usd); }},
      {"usd_per_million_prompt_tokens", "$", "usd_per_million_prompt_tokens", better::less(),
       "price of the prompt machines and half of the mixed ones in the window / "
       "`window.prompt_tokens`; null where there are none",
       [](const Cost& cost) { return per_million(cost.prompt_usd, cost.prompt_tokens); }},
      {"usd_per_million_output_tokens", "$", "usd_per_million_output_tokens", better::less("1%"),
       "price of the token machines and half of the mixed ones in the window / "
       "`window.output_tokens`; null where there are none",
       [](const Cost& cost) { return per_million(cost.output_usd, cost.output_tokens); }},
      {"usd_per_million_tokens", "$", "usd_per_million_all_tokens", better::less(),
       "price of all machines in the window / prompt and output tokens of the window; null where "
       "there are none",
       [](const Cost& cost) {
         return per_million(cost.prompt_usd + cost.output_usd,
                            cost.prompt_tokens + cost.output_tokens);
       }},
      {"requests_per_usd", "requests/$", "requests_per_usd", better::more("1%"),
       "`requests.completed` / `spent_usd`: of the whole run, to its last request",
       [](const Cost& cost) {
         const double requests = per(static_cast<double>(cost.completed_requests), cost.spent_usd);
         return known(cost.spent_usd) ? known(requests) : std::nullopt;
       }},
      {"prices", "",
       "the list of `prices` that these are from, its provider, kind and date; left out "
       "where the scenario names none: then each machine's own price counts",
       [](const Cost& cost) { return cost.prices.empty() ? no_key() : Json(cost.prices); }}};
  return table;
}

}  // namespace cleave
