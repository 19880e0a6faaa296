#include <algorithm>
#include <cmath>

#include "sim/base/version.h"
#include "sim/metrics/metrics.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

constexpr double kJoulesPerKwh = 3.6e6;

double per(double value, double over) { return over > 0 ? value / over : 0; }

/// Null where there is nothing that it could be divided among.
Json share(double value, double among) { return among > 0 ? Json(value / among) : Json(); }

Json units_json() {
  return {{"ttft, tpot, itl, e2e, largest_gap, queueing, transfer, *_s", "seconds"},
          {"*_rps", "requests per second"},
          {"*_per_s", "tokens per second"},
          {"*_bytes", "bytes"},
          {"*_w", "watts"},
          {"*_kwh", "kilowatt-hours"},
          {"*_j", "joules"},
          {"price_*, *_usd", "US dollars"},
          {"utilization, *_share, memory_mean, memory_peak, attainment", "fraction from 0 to 1"},
          {"slowdown", "times the latency of the uncontended reference machine"}};
}

}  // namespace

Json Metrics::transfers_json() const {
  Json pairs = Json::array();
  for (const auto& [pools, use] : pairs_) {
    pairs.push_back({{"from_pool", pools.first},
                     {"to_pool", pools.second},
                     {"transfers", use.transfers},
                     {"bytes", use.bytes},
                     {"seconds", use.seconds.json()},
                     {"ideal_mean_s", per(use.ideal_s, static_cast<double>(use.transfers))},
                     {"times_ideal", per(use.seconds.sum(), use.ideal_s)},
                     {"exposed_share_of_e2e", per(use.exposed_s, use.e2e_s)}});
  }
  return pairs;
}

/// The busiest ones; links.csv has all.
Json Metrics::links_json() const {
  constexpr std::size_t kMostShown = 20;
  std::vector<LinkUse> busiest = links_;
  std::stable_sort(busiest.begin(), busiest.end(),
                   [](const LinkUse& a, const LinkUse& b) { return a.mean > b.mean; });
  if (busiest.size() > kMostShown) busiest.resize(kMostShown);
  Json links = Json::array();
  for (const LinkUse& link : busiest) {
    links.push_back({{"link", link.name},
                     {"bandwidth_bytes_per_s", link.bandwidth_bytes_per_s},
                     {"bytes", link.bytes},
                     {"utilization", link.mean},
                     {"utilization_p99", link.p99},
                     {"above_90_share", link.above_90}});
  }
  return links;
}

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

Json Metrics::steady_json() const {
  ArrivalPhase phase = window_.stationary_phase();
  phase.computing_p99_s = computing_.quantile(0.99);
  const Steadiness steady = judge(phase, filling_share(phase.from_s, phase.to_s()));
  return {{"from_s", steady.from_s},
          {"offered_rps", steady.offered_rps},
          {"served_rps", steady.served_rps},
          {"in_cluster_second_quarter", window_.mean_in_cluster(0.25, 0.5)},
          {"in_cluster_last_quarter", window_.mean_in_cluster(0.75, 1)},
          {"growth_rps", steady.in_cluster.per_s},
          {"growth_error_rps", steady.in_cluster.error_per_s},
          {"waiting_growth_rps", steady.waiting.per_s},
          {"waiting_growth_error_rps", steady.waiting.error_per_s},
          {"filling_share", steady.filling_share},
          {"overload", steady.overload},
          {"too_short", steady.too_short}};
}

Json Metrics::window_json() const {
  return {{"warmup", window_.warmup_given() ? "given" : "automatic"},
          {"from_s", window_.from_s()},
          {"to_s", window_.to_s()},
          {"arrived", arrived_in_window()},
          {"completed", std::llround(window_.completed())},
          {"prompt_tokens", window_.prompt_tokens()},
          {"output_tokens", window_.output_tokens()},
          {"energy_kwh", window_energy_j() / kJoulesPerKwh}};
}

Json Metrics::tokens_json() const {
  const double gpus = pools_.gpus();
  const double mixed = pools_.gpus_of(PoolRole::kMixed);
  const double prompt_gpus = pools_.gpus_of(PoolRole::kPrompt) + mixed;
  const double token_gpus = pools_.gpus_of(PoolRole::kToken) + mixed;
  const double output_per_s = per(window_.output_tokens(), window_.seconds());
  const double prompt_per_s = per(window_.prompt_tokens(), window_.seconds());
  return {{"prompt", prompt_tokens_},
          {"output", output_tokens_},
          {"prompt_per_s", prompt_per_s},
          {"output_per_s", output_per_s},
          {"output_per_s_per_gpu", per(output_per_s, gpus)},
          {"prompt_per_s_per_prompt_gpu", per(prompt_per_s, prompt_gpus)},
          {"output_per_s_per_token_gpu", per(output_per_s, token_gpus)},
          {"output_per_s_per_user", per(1, tpot_.mean())}};
}

Json Metrics::cost_json(const RunTotals& totals) const {
  constexpr double kHour = 3600;
  constexpr double kMillion = 1e6;
  const double spent = pools_.price_per_hour() * totals.end_s / kHour;
  // Machines of each kind are charged to the tokens they are there for, mixed ones to both halves.
  double prompt_price = 0;
  double token_price = 0;
  for (const PoolSpec& pool : scenario_.pools) {
    const double price = pool.machine.price_per_hour * pool.machines();
    prompt_price += pool.role == PoolRole::kPrompt  ? price
                    : pool.role == PoolRole::kMixed ? price / 2
                                                    : 0;
    token_price += pool.role == PoolRole::kToken   ? price
                   : pool.role == PoolRole::kMixed ? price / 2
                                                   : 0;
  }
  const double hours = window_.seconds() / kHour;
  const auto known = [](double price, Json figure) { return std::isnan(price) ? Json() : figure; };
  return {{"price_per_hour", known(spent, pools_.price_per_hour())},
          {"spent_usd", known(spent, spent)},
          {"usd_per_million_prompt_tokens",
           known(prompt_price, share(prompt_price * hours, window_.prompt_tokens() / kMillion))},
          {"usd_per_million_output_tokens",
           known(token_price, share(token_price * hours, window_.output_tokens() / kMillion))},
          {"requests_per_usd", known(spent, per(static_cast<double>(totals.completed), spent))}};
}

double Metrics::window_energy_j() const {
  return window_.prompt_energy_j() + window_.decode_energy_j() +
         pools_.idle_w() * window_.seconds();
}

Json Metrics::power_json() const {
  Json power = pools_.power_json(scenario_.power_budget_w);
  const double energy_j = window_energy_j();
  const double prompt_tokens = window_.prompt_tokens();
  const double output_tokens = window_.output_tokens();
  power["energy_kwh"] = pools_.energy_j() / kJoulesPerKwh;
  power["j_per_output_token"] = share(energy_j, output_tokens);
  power["j_per_token"] = share(energy_j, output_tokens + prompt_tokens);
  power["j_per_request"] = share(energy_j, window_.completed());
  power["prompt_j_per_prompt_token"] = share(window_.prompt_energy_j(), prompt_tokens);
  power["decode_j_per_output_token"] = share(window_.decode_energy_j(), output_tokens);
  return power;
}

Json Metrics::slowest_json() const {
  std::vector<FinishedRequest> requests = slowest_;
  std::sort(requests.begin(), requests.end(),
            [](const FinishedRequest& a, const FinishedRequest& b) {
              return a.completion_s - a.arrival_s > b.completion_s - b.arrival_s;
            });
  Json json = Json::array();
  for (const FinishedRequest& r : requests) {
    json.push_back(
        {{"request", r.number},
         {"line", r.line},
         {"prompt_tokens", r.prompt_tokens},
         {"output_tokens", r.output_tokens},
         {"arrival_s", r.arrival_s},
         {"queueing_s", r.prompt_start_s - r.arrival_s},
         {"prompt_s", r.first_token_s - r.prompt_start_s},
         {"transfer_s", r.moved() ? std::max(0.0, r.transfer_end_s - r.first_token_s) : 0},
         {"e2e_s", r.completion_s - r.arrival_s},
         {"largest_gap_s", r.largest_gap_s},
         {"prompt_instance", r.prompt_instance},
         {"token_instance", r.token_instance},
         {"restarts", r.restarts}});
  }
  return json;
}

Json Metrics::summary(const RunTotals& totals) {
  end(totals.end_s);
  Json rejected = Json::array();
  for (const Rejected& request : rejected_) {
    rejected.push_back({{"line", request.line},
                        {"tokens", request.tokens},
                        {"needed_bytes", request.needed_bytes}});
  }
  Json summary{{"schema_version", kSummaryVersion},
               {"cleave_version", kVersion},
               {"scenario_hash", scenario_hash(scenario_.document)},
               {"workload_hash", scenario_hash(scenario_.document["workload"])},
               {"estimated", estimated_},
               {"requests",
                {{"arrived", totals.arrived},
                 {"completed", totals.completed},
                 {"rejected", totals.rejected},
                 {"unfinished", totals.unfinished},
                 {"restarts", totals.restarts},
                 {"deadlocks", totals.deadlocks},
                 {"over_prompt_limit", totals.over_prompt_limit},
                 {"stranded", totals.stranded},
                 {"measured", e2e_.count()}}},
               {"events", totals.events},
               {"duration_s", totals.end_s},
               {"window", window_json()},
               {"offered_rps", per(static_cast<double>(arrived_in_window()), window_.seconds())},
               {"served_rps", per(window_.completed(), window_.seconds())}};
  summary["ttft"] = ttft_.json();
  summary["tpot"] = tpot_.json();
  summary["itl"] = gaps_.seconds().json();
  summary["e2e"] = e2e_.json();
  summary["largest_gap"] = largest_gap_.json();
  summary["queueing"] = queueing_.json();
  summary["transfer"] = transfer_.json();
  summary["tokens"] = tokens_json();
  summary["slo"] =
      slo_.json({ttft_, tpot_, gaps_.seconds(), e2e_}, measured_failures_, window_.seconds());
  summary["steady"] = steady_json();
  summary["cost"] = cost_json(totals);
  summary["power"] = power_json();
  summary["pools"] = pools_.json();
  summary["transfers"] = transfers_json();
  summary["links"] = links_json();
  summary["rejected_requests"] = rejected;
  summary["slowest_requests"] = slowest_json();
  constexpr std::size_t kCdfPoints = 200;
  summary["cdf"] = {{"ttft", ttft_.cumulative(kCdfPoints)},
                    {"tpot", tpot_.cumulative(kCdfPoints)},
                    {"itl", gaps_.seconds().cumulative(kCdfPoints)},
                    {"e2e", e2e_.cumulative(kCdfPoints)}};
  slo_.add_cumulative(summary["cdf"], kCdfPoints);
  summary["units"] = units_json();
  return summary;
}

}  // namespace cleave
