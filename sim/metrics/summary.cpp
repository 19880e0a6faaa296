#include <algorithm>
#include <cmath>

#include "models/catalogue/prices.h"
#include "sim/base/program.h"
#include "sim/metrics/link_figures.h"
#include "sim/metrics/metrics.h"
#include "sim/metrics/ratio.h"
#include "sim/metrics/units.h"
#include "sim/scenario/resolve.h"

namespace cleave {

struct Metrics::Run {
  const Metrics& metrics;
  const RunTotals& totals;

  double gpus_of(PoolRole role) const {
    return metrics.pools_.gpus_of(role) + metrics.pools_.gpus_of(PoolRole::kMixed);
  }
  double per_second(double amount) const { return per(amount, metrics.window_.seconds()); }
  double prompt_per_s() const { return per_second(metrics.window_.prompt_tokens()); }
  double output_per_s() const { return per_second(metrics.window_.output_tokens()); }
};

/// How many of the requests that arrive between two times stay longer than the cluster has been at
/// work, on average over these times, if none of them waits.
double Metrics::filling_share(double from_s, double to_s) const {
  constexpr std::size_t kPoints = 1000;
  std::vector<double> shares;
  for (std::size_t i = 0; i < kPoints; ++i) {
    shares.push_back((static_cast<double>(i) + 0.5) / kPoints);
  }
  double sum = 0;
  for (const double seconds : computing_.quantiles(shares)) {
    sum += std::max(0.0, std::min(seconds, to_s) - from_s) / kPoints;
  }
  return per(sum, to_s - from_s);
}

Steadiness Metrics::steadiness() const {
  ArrivalPhase phase = window_.stationary_phase();
  phase.computing_p99_s = computing_.quantile(0.99);
  Steadiness steady = judge(phase, filling_share(phase.from_s, phase.to_s()));
  if (!offers_rate(scenario_.workload)) steady.without_rate();
  return steady;
}

std::optional<SloResult> Metrics::slo() const {
  return slo_.result({ttft_, tpot_, gaps_.seconds(), e2e_}, measured_failures_, window_.seconds());
}

Cost Metrics::cost(const RunTotals& totals) const {
  Cost cost{.price_per_hour = pools_.price_per_hour(),
            .completed_requests = totals.completed,
            .prompt_tokens = window_.prompt_tokens(),
            .output_tokens = window_.output_tokens(),
            .prices = prices_label(scenario_.document)};
  // Machines of each kind are charged to the tokens they are there for, mixed ones to both halves.
  for (std::size_t pool = 0; pool < scenario_.pools.size(); ++pool) {
    const PoolRole role = scenario_.pools[pool].role;
    const double usd = pools_.usd(pool, window_.from_s(), window_.to_s());
    cost.spent_usd += pools_.usd(pool, 0, totals.end_s);
    if (role != PoolRole::kToken) cost.prompt_usd += role == PoolRole::kMixed ? usd / 2 : usd;
    if (role != PoolRole::kPrompt) cost.output_usd += role == PoolRole::kMixed ? usd / 2 : usd;
  }
  return cost;
}

double Metrics::window_energy_j() const {
  return window_.prompt_energy_j() + window_.decode_energy_j() +
         pools_.idle_energy_j(window_.from_s(), window_.to_s());
}

PowerUse Metrics::power() const {
  return {pools_.power(scenario_.power.budget_w),
          {.energy_j = window_energy_j(),
           .prompt_j = window_.prompt_energy_j(),
           .decode_j = window_.decode_energy_j(),
           .prompt_tokens = window_.prompt_tokens(),
           .output_tokens = window_.output_tokens(),
           .completed_requests = window_.completed()}};
}

// Prices step within a bucket: their mean over it counts.
std::optional<EnergyBill> Metrics::energy_bill(const RunTotals& totals) const {
  const PowerSpec& spec = scenario_.power;
  if (!spec.usd_per_kwh && !spec.g_co2_per_kwh) return {};
  EnergyBill bill;
  double usd = 0;
  double g_co2 = 0;
  const std::vector<double> power_w = pools_.power_over_time();
  for (std::size_t i = 0; i < power_w.size(); ++i) {
    const double from_s = pools_.time().from_s(i);
    const double to_s = from_s + pools_.time().length_s(i);
    const double kwh = power_w[i] * (to_s - from_s) / kJoulesPerKwh * spec.pue.mean(from_s, to_s);
    bill.facility_kwh += kwh;
    if (spec.usd_per_kwh) usd += kwh * spec.usd_per_kwh->mean(from_s, to_s);
    if (spec.g_co2_per_kwh) g_co2 += kwh * spec.g_co2_per_kwh->mean(from_s, to_s);
  }
  constexpr double kGrams = 1000;
  if (spec.usd_per_kwh) bill.usd = usd;
  if (spec.g_co2_per_kwh) bill.kg_co2 = g_co2 / kGrams;
  bill.machines_usd = cost(totals).spent_usd;
  bill.tokens = prompt_tokens_ + output_tokens_;
  return bill;
}

const FigureTable<Metrics::Run>& Metrics::request_figures() {
  static const FigureTable<Run> table{
      {"arrived", "", "requests_arrived", better::neither(), "= completed + rejected + unfinished",
       [](const Run& run) { return run.totals.arrived; }},
      {"completed", "", "requests_completed", better::more("0"), "left with all their tokens",
       [](const Run& run) { return run.totals.completed; }},
      {"rejected", "", "requests_rejected", better::less("0"),
       "sent away: too large for every instance, over the rate of their class, or late",
       [](const Run& run) { return run.totals.rejected; }},
      {"over_rate", "", "requests_over_rate", better::less(),
       "of these: their class sent more than its admission lets in",
       [](const Run& run) { return run.totals.over_rate; }},
      {"late", "", "requests_late", better::less(),
       "of these: still waited when their class's first token was due",
       [](const Run& run) { return run.totals.late; }},
      {"unfinished", "", "requests_unfinished", better::less("0"),
       "still in the cluster at the end", [](const Run& run) { return run.totals.unfinished; }},
      {"restarts", "", "requests_restarts", better::less(),
       "times a request began again from its prompt after a fault",
       [](const Run& run) { return run.totals.restarts; }},
      {"moves", "", "requests_moves", better::neither(),
       "times a request left an instance that drained, with its KV cache (`scaling.draining`)",
       [](const Run& run) { return run.totals.moves; }},
      {"deadlocks", "", "requests_deadlocks", better::less(),
       "times a request began again from its prompt so that others could go on, where all memory "
       "was held by requests that waited for one another",
       [](const Run& run) { return run.totals.deadlocks; }},
      {"over_prompt_limit", "", "requests_over_prompt_limit", better::neither(),
       "whose prompt is longer than `batching.max_prompt_tokens`: it runs in an iteration of its "
       "own, and decodes on the machine wait",
       [](const Run& run) { return run.totals.over_prompt_limit; }},
      {"stranded", "", "requests_stranded", better::less(),
       "of the unfinished: found no machine that was up",
       [](const Run& run) { return run.totals.stranded; }},
      {"measured", "", "requests_measured", better::neither(),
       "completed ones that arrived in the measured window",
       [](const Run& run) { return run.metrics.e2e_.count(); }}};
  return table;
}

const FigureTable<Metrics::Run>& Metrics::window_figures() {
  static const FigureTable<Run> table{
      {"warmup", "", "`given` or `automatic`",
       [](const Run& run) { return run.metrics.window_.warmup_given() ? "given" : "automatic"; }},
      {"from_s", "s", "window_from_s", better::neither(), "where the measured window begins",
       [](const Run& run) { return run.metrics.window_.from_s(); }},
      {"to_s", "s", "window_to_s", better::neither(), "where it ends",
       [](const Run& run) { return run.metrics.window_.to_s(); }},
      {"arrived", "requests", "window_arrived", better::neither(), "that arrived in it",
       [](const Run& run) { return run.metrics.arrived_in_window(); }},
      {"completed", "requests", "window_completed", better::more(), "that were completed in it",
       [](const Run& run) { return std::llround(run.metrics.window_.completed()); }},
      {"prompt_tokens", "tokens", "window_prompt_tokens", better::neither(),
       "computed in it, or found in prefix caches: those of the last prompt phase of each "
       "completed "
       "request",
       [](const Run& run) { return run.metrics.window_.prompt_tokens(); }},
      {"output_tokens", "tokens", "window_output_tokens", better::more(),
       "computed in it: all, less those that requests lost in it because they began again",
       [](const Run& run) { return run.metrics.window_.output_tokens(); }},
      {"energy_kwh", "kWh", "window_energy_kwh", better::less(), "of the cluster in it",
       [](const Run& run) { return run.metrics.window_energy_j() / kJoulesPerKwh; }}};
  return table;
}

const FigureTable<Metrics::Run>& Metrics::token_figures() {
  static const FigureTable<Run> table{
      {"prompt", "tokens", "tokens_prompt", better::neither(), "of all completed requests",
       [](const Run& run) { return run.metrics.prompt_tokens_; }},
      {"output", "tokens", "tokens_output", better::neither(), "of all completed requests",
       [](const Run& run) { return run.metrics.output_tokens_; }},
      {"prompt_per_s", "tokens/s", "tokens_prompt_per_s", better::more(),
       "`window.prompt_tokens` / length of the window",
       [](const Run& run) { return run.prompt_per_s(); }},
      {"output_per_s", "tokens/s", "tokens_output_per_s", better::more("1%"),
       "`window.output_tokens` / length of the window",
       [](const Run& run) { return run.output_per_s(); }},
      {"output_per_s_per_gpu", "tokens/s", "tokens_output_per_s_per_gpu", better::more(),
       "`output_per_s` / all GPUs",
       [](const Run& run) { return per(run.output_per_s(), run.metrics.pools_.gpus()); }},
      {"prompt_per_s_per_prompt_gpu", "tokens/s", "tokens_prompt_per_s_per_prompt_gpu",
       better::more(), "`prompt_per_s` / GPUs of the prompt and mixed pools",
       [](const Run& run) { return per(run.prompt_per_s(), run.gpus_of(PoolRole::kPrompt)); }},
      {"output_per_s_per_token_gpu", "tokens/s", "tokens_output_per_s_per_token_gpu",
       better::more(), "`output_per_s` / GPUs of the token and mixed pools",
       [](const Run& run) { return per(run.output_per_s(), run.gpus_of(PoolRole::kToken)); }},
      {"output_per_s_per_user", "tokens/s", "tokens_output_per_s_per_user", better::more(),
       "1 / mean TPOT", [](const Run& run) { return per(1, run.metrics.tpot_.mean()); }}};
  return table;
}

const FigureTable<Metrics::Run>& Metrics::cdf_figures() {
  static const auto points = [](const Quantiles* distribution) {
    constexpr std::size_t kPoints = 200;
    return distribution == nullptr ? no_key() : distribution->cumulative(kPoints);
  };
  static const FigureTable<Run> table{
      {"ttft", "s, fraction", "[value, share of values up to it] at steps of half a percent",
       [](const Run& run) { return points(&run.metrics.ttft_); }},
      {"tpot", "s, fraction", "the same",
       [](const Run& run) { return points(&run.metrics.tpot_); }},
      {"itl", "s, fraction", "the same",
       [](const Run& run) { return points(&run.metrics.gaps_.seconds()); }},
      {"e2e", "s, fraction", "the same", [](const Run& run) { return points(&run.metrics.e2e_); }},
      {"ttft_slowdown", "times, fraction",
       "the same of the slowdowns, where the SLO has limits of them",
       [](const Run& run) { return points(run.metrics.slo_.ttft_slowdown()); }},
      {"tpot_slowdown", "times, fraction", "the same",
       [](const Run& run) { return points(run.metrics.slo_.tpot_slowdown()); }},
      {"e2e_slowdown", "times, fraction", "the same",
       [](const Run& run) { return points(run.metrics.slo_.e2e_slowdown()); }}};
  return table;
}

const FigureTable<Metrics::Run>& Metrics::figures() {
  static const FigureTable<Run> table{
      {"schema_version", "", "version of this format; summaries with another one are not compared",
       [](const Run&) { return kSummaryVersion; }},
      {"cleave_version", "",
       "the program that wrote it: release and commit, `0.1.0+6975b735d2f4`; `.changed` where "
       "files "
       "differed from the commit",
       [](const Run&) { return program_version(); }},
      {"scenario_hash", "", "16 hexadecimal digits, equal for equal scenarios",
       [](const Run& run) { return scenario_hash(run.metrics.scenario_.document); }},
      {"workload_hash", "",
       "the same of the scenario's `workload` and `classes`, seed included; a trace file counts by "
       "its name",
       [](const Run& run) {
         const Json& document = run.metrics.scenario_.document;
         if (!document.contains("classes")) return scenario_hash(document["workload"]);
         return scenario_hash(
             {{"workload", document["workload"]}, {"classes", document["classes"]}});
       }},
      {"estimated", "", "estimated", better::neither(),
       "whether latencies are estimated rather than measured",
       [](const Run& run) { return run.metrics.estimated_; }},
      {"how_sure", "", "how_sure", better::neither(),
       "how far such estimates were from measurements, or what was measured; empty where nobody "
       "knows",
       [](const Run& run) { return run.metrics.how_sure_; }},
      {"requests", request_figures(), [](const Run& run) { return request_figures().json(run); }},
      {"events", "", "events", better::neither(), "handled by the simulation engine",
       [](const Run& run) { return run.totals.events; }},
      {"duration_s", "s", "duration_s", better::neither(),
       "time of the last event that concerned a request",
       [](const Run& run) { return run.totals.end_s; }},
      {"window", window_figures(), [](const Run& run) { return window_figures().json(run); }},
      {"offered_rps", "requests/s", "offered_rps", better::neither(),
       "`window.arrived` / length of the window; `null` where the workload has no rate of its own: "
       "arrivals `closed` or `infinite`, or a `concurrency`",
       [](const Run& run) -> std::optional<double> {
         if (!offers_rate(run.metrics.scenario_.workload)) return {};
         return run.per_second(static_cast<double>(run.metrics.arrived_in_window()));
       }},
      {"served_rps", "requests/s", "served_rps", better::more("1%"),
       "`window.completed` / length of the window",
       [](const Run& run) { return run.per_second(run.metrics.window_.completed()); }},
      {"ttft", "s", "ttft", better::less("1%", {"mean", "p50", "p99"}),
       "distribution of the time to first token",
       [](const Run& run) { return &run.metrics.ttft_; }},
      {"tpot", "s", "tpot", better::less("1%", {"mean", "p50", "p99"}),
       "of the mean time per output token of a request with two or more tokens: by gaps, or by "
       "tokens if `results.tpot` is `per_token`",
       [](const Run& run) { return &run.metrics.tpot_; }},
      {"itl", "s", "itl", better::less("1%", {"p99"}),
       "inter-token latency: of every gap between two tokens, of all requests, whose second token "
       "came in the window or after it",
       [](const Run& run) { return &run.metrics.gaps_.seconds(); }},
      {"e2e", "s", "e2e", better::less("1%", {"mean", "p50", "p99"}),
       "of the time from arrival to last token", [](const Run& run) { return &run.metrics.e2e_; }},
      {"largest_gap", "s", "largest_gap", better::less("1%", {"p99"}),
       "of each request's longest gap between two tokens",
       [](const Run& run) { return &run.metrics.largest_gap_; }},
      {"queueing", "s", "queueing", better::less("1%,0.001", {"mean"}),
       "of the time from arrival to the start of the prompt phase",
       [](const Run& run) { return &run.metrics.queueing_; }},
      {"transfer", "s", "transfer", better::less(),
       "of the time from `transfer_ready_s` to `transfer_end_s`, for requests whose KV cache moved",
       [](const Run& run) { return &run.metrics.transfer_; }},
      {"exposed_transfer", "s", "exposed_transfer", better::less(),
       "of what that takes beyond the prompt phase, which hides the rest: from the first token to "
       "`transfer_end_s`, waiting for room included",
       [](const Run& run) { return &run.metrics.exposed_transfer_; }},
      {"prompt_length", "tokens", "prompt_length", better::neither(),
       "of the prompts of measured requests",
       [](const Run& run) { return &run.metrics.prompt_length_; }},
      {"output_length", "tokens", "output_length", better::neither(),
       "of their outputs, the first token included",
       [](const Run& run) { return &run.metrics.output_length_; }},
      {"tokens", token_figures(), [](const Run& run) { return token_figures().json(run); }},
      {"prefix_cache", PrefixUse::figures(),
       [](const Run& run) {
         const bool there = run.metrics.scenario_.kv_cache.prefix_caching;
         return there ? PrefixUse::figures().json(run.metrics.prefix_use_) : Json();
       }},
      {"tiers[]", TierUse::figures(), [](const Run& run) { return run.metrics.tiers(); }},
      {"sessions", SessionLog::figures(),
       [](const Run& run) {
         const SessionLog& sessions = run.metrics.sessions_;
         return sessions.any() ? SessionLog::figures().json(sessions) : Json();
       }},
      {"classes[]", ClassLog::figures(), [](const Run& run) { return run.metrics.classes(); }},
      {"fairness", Fairness::figures(),
       [](const Run& run) {
         const auto& classes = run.metrics.classes_;
         return classes.empty() ? Json() : Fairness::figures().json(Fairness::of(classes));
       }},
      {"scaling", ScalingUse::figures(),
       [](const Run& run) {
         return run.metrics.scenario_.scaling.on()
                    ? ScalingUse::figures().json(
                          {run.metrics.scaling_, run.totals.hindsight_machine_hours})
                    : Json();
       }},
      {"slo", SloResult::figures(),
       [](const Run& run) { return SloResult::figures().json(run.metrics.slo()); }},
      {"steady", Steadiness::figures(),
       [](const Run& run) { return Steadiness::figures().json(run.metrics.steadiness()); }},
      {"cost", Cost::figures(),
       [](const Run& run) { return Cost::figures().json(run.metrics.cost(run.totals)); }},
      {"power", PowerUse::figures(),
       [](const Run& run) { return PowerUse::figures().json(run.metrics.power()); }},
      {"energy", EnergyBill::figures(),
       [](const Run& run) {
         const std::optional<EnergyBill> bill = run.metrics.energy_bill(run.totals);
         return bill ? EnergyBill::figures().json(*bill) : Json();
       }},
      {"pools[]", PoolMetrics::figures(),
       [](const Run& run) { return run.metrics.pools_.json(run.metrics.brief_); }},
      {"transfers[]", PoolTransfers::Pair::figures(),
       [](const Run& run) { return run.metrics.transfers_.json(); }},
      {"links[]", link_figures(),
       [](const Run& run) { return link_figures().json(busiest(run.metrics.links_)); }},
      {"rejected_requests[]", RejectedRequest::figures(),
       [](const Run& run) { return RejectedRequest::figures().json(run.metrics.rejected_); }},
      {"slowest_requests[]", SlowestRequests::figures(),
       [](const Run& run) { return run.metrics.slowest_.json(); }},
      {"cdf", cdf_figures(),
       [](const Run& run) { return run.metrics.brief_ ? no_key() : cdf_figures().json(run); }},
      {"units", "", "the units of these fields, as text",
       [](const Run& run) { return run.metrics.brief_ ? no_key() : units_json(); }}};
  return table;
}

// One for each tier of the scenario; its room of all instances, but a store's once.
Json Metrics::tiers() const {
  Json list = Json::array();
  for (std::size_t tier = 0; tier < scenario_.kv_cache.tiers.size(); ++tier) {
    TierUse use = tiers_.of(scenario_.kv_cache.tiers[tier].tier);
    use.tier = scenario_.kv_cache.tiers[tier].tier;
    use.prompt_tokens = static_cast<double>(prefix_use_.prompt_tokens);
    for (const PoolSpec& pool : scenario_.pools) {
      const double bytes = pool.tiers[tier].bytes;
      use.bytes = use.tier == Tier::kStore ? bytes : use.bytes + bytes * pool.instances();
    }
    list.push_back(TierUse::figures().json(use));
  }
  return list.empty() ? no_key() : list;
}

// None where the scenario has none.
Json Metrics::classes() const {
  Json list = Json::array();
  for (const ClassLog& each : classes_) list.push_back(ClassLog::figures().json(each));
  return list.empty() ? no_key() : list;
}

Json Metrics::objectives(const RunTotals& totals) {
  end(totals.end_s);
  Json some = figures().json({*this, totals}, {"requests", "e2e", "classes", "slo", "steady"});
  some["tokens"] = {{"prompt", prompt_tokens_}, {"output", output_tokens_}};
  return some;
}

Json Metrics::summary(const RunTotals& totals) {
  end(totals.end_s);
  return figures().json({*this, totals});
}

}  // namespace cleave
