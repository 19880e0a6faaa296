#include <algorithm>
#include <cmath>

#include "sim/base/version.h"
#include "sim/metrics/metrics.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

constexpr int kSchemaVersion = 1;
constexpr double kJoulesPerKwh = 3.6e6;

double per(double value, double over) { return over > 0 ? value / over : 0; }

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
                     {"bandwidth_bytes_per_s", link.bandwidth_bps},
                     {"bytes", link.bytes},
                     {"utilization", link.mean},
                     {"utilization_p99", link.p99},
                     {"above_90_share", link.above_90}});
  }
  return links;
}

/// Whether requests piled up while they arrived: the mean number in the cluster during the last
/// quarter of the arrivals against the second quarter.
Json Metrics::steady_json() const {
  const double width_s = in_system_series_.width_s();
  const auto mean = [&](double from, double to) {
    const auto first = static_cast<std::size_t>(from * last_arrival_s_ / width_s);
    const auto last = static_cast<std::size_t>(to * last_arrival_s_ / width_s);
    double sum = 0;
    std::size_t n = 0;
    for (std::size_t i = first; i < last && i < in_system_series_.size(); ++i, ++n) {
      sum += in_system_series_.mean(i, 0, in_system_since_s_);
    }
    return n > 0 ? sum / static_cast<double>(n) : 0;
  };
  const double second = mean(0.25, 0.5);
  const double last = mean(0.75, 1);
  const double arrivals_between =
      per(static_cast<double>(e2e_.count() + measured_failures_), last_arrival_s_ - warmup_s_) *
      last_arrival_s_ / 2;
  constexpr double kGrowth = 0.05;
  constexpr double kRatio = 1.2;
  // Shorter runs only show how the cluster fills, unless most of what requests did was to wait.
  constexpr double kLongEnough = 4;
  const double e2e_s = e2e_.quantile(0.5);
  const bool waits = queueing_.quantile(0.5) + transfer_.quantile(0.5) > e2e_s / 2;
  const bool long_enough = last_arrival_s_ >= kLongEnough * e2e_s || waits;
  // Chance alone moves the number in the cluster by its square root.
  const double chance = 3 * std::sqrt(second + 1);
  const bool grows =
      last > kRatio * second && last - second > std::max(chance, kGrowth * arrivals_between);
  return {{"in_cluster_second_quarter", second},
          {"in_cluster_last_quarter", last},
          {"overload", grows && long_enough},
          {"too_short", grows && !long_enough}};
}

Json Metrics::tokens_json(double end_s) const {
  const double gpus = pools_.gpus();
  const double mixed = pools_.gpus_of(PoolRole::kMixed);
  const double prompt_gpus = pools_.gpus_of(PoolRole::kPrompt) + mixed;
  const double token_gpus = pools_.gpus_of(PoolRole::kToken) + mixed;
  const double output_per_s = per(output_tokens_, end_s);
  const double prompt_per_s = per(prompt_tokens_, end_s);
  return {{"prompt", prompt_tokens_},
          {"output", output_tokens_},
          {"prompt_per_s", prompt_per_s},
          {"output_per_s", output_per_s},
          {"output_per_s_per_gpu", per(output_per_s, gpus)},
          {"prompt_per_s_per_prompt_gpu", per(prompt_per_s, prompt_gpus)},
          {"output_per_s_per_token_gpu", per(output_per_s, token_gpus)},
          {"output_per_s_per_user", per(1, tpot_.mean())}};
}

Json Metrics::cost_json(double end_s) const {
  constexpr double kHour = 3600;
  constexpr double kMillion = 1e6;
  const double spent = pools_.price_per_hour() * end_s / kHour;
  const auto completed = static_cast<double>(e2e_.count());
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
  return {{"price_per_hour", pools_.price_per_hour()},
          {"spent_usd", spent},
          {"usd_per_million_prompt_tokens",
           per(prompt_price * end_s / kHour, prompt_tokens_ / kMillion)},
          {"usd_per_million_output_tokens",
           per(token_price * end_s / kHour, output_tokens_ / kMillion)},
          {"requests_per_usd", per(completed, spent)}};
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
  pools_.end(totals.end_s);
  in_system(totals.end_s, 0);
  const double arrival_window_s = std::max(0.0, last_arrival_s_ - warmup_s_);
  const auto completed = static_cast<double>(totals.completed);
  Json rejected = Json::array();
  for (const Rejected& request : rejected_) {
    rejected.push_back({{"line", request.line},
                        {"tokens", request.tokens},
                        {"needed_bytes", request.needed_bytes}});
  }
  Json power = pools_.power_json(scenario_.power_budget_w);
  const double energy_j = pools_.energy_j();
  power["energy_kwh"] = energy_j / kJoulesPerKwh;
  power["j_per_output_token"] = per(energy_j, output_tokens_);
  power["j_per_token"] = per(energy_j, output_tokens_ + prompt_tokens_);
  power["j_per_request"] = per(energy_j, completed);
  power["prompt_j_per_prompt_token"] = per(pools_.prompt_energy_j(), prompt_tokens_);
  power["decode_j_per_output_token"] = per(pools_.decode_energy_j(), output_tokens_);
  Json summary{{"schema_version", kSchemaVersion},
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
                 {"stranded", totals.stranded},
                 {"measured", e2e_.count()}}},
               {"events", totals.events},
               {"duration_s", totals.end_s},
               {"offered_rps", per(static_cast<double>(totals.arrived), last_arrival_s_)},
               {"served_rps", per(completed, totals.end_s)}};
  summary["ttft"] = ttft_.json();
  summary["tpot"] = tpot_.json();
  summary["itl"] = itl_.json();
  summary["e2e"] = e2e_.json();
  summary["largest_gap"] = largest_gap_.json();
  summary["queueing"] = queueing_.json();
  summary["transfer"] = transfer_.json();
  summary["tokens"] = tokens_json(totals.end_s);
  summary["slo"] = slo_.json({ttft_, tpot_, itl_, e2e_}, measured_failures_, arrival_window_s);
  summary["steady"] = steady_json();
  summary["cost"] = cost_json(totals.end_s);
  summary["power"] = power;
  summary["pools"] = pools_.json();
  summary["transfers"] = transfers_json();
  summary["links"] = links_json();
  summary["rejected_requests"] = rejected;
  summary["slowest_requests"] = slowest_json();
  constexpr std::size_t kCdfPoints = 200;
  summary["cdf"] = {{"ttft", ttft_.cumulative(kCdfPoints)},
                    {"tpot", tpot_.cumulative(kCdfPoints)},
                    {"itl", itl_.cumulative(kCdfPoints)},
                    {"e2e", e2e_.cumulative(kCdfPoints)}};
  slo_.add_cumulative(summary["cdf"], kCdfPoints);
  summary["units"] = units_json();
  return summary;
}

}  // namespace cleave
