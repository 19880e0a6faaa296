#include "sim/explore/due_work.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "sim/metrics/slo_hope.h"
#include "sim/simulation.h"

namespace cleave {

namespace {

bool sends_some_away(const Scenario& scenario) {
  return std::any_of(scenario.classes.begin(), scenario.classes.end(), [](const ClassSpec& each) {
    return each.sheds_late || each.most_rps.has_value();
  });
}

/// What has to be computed for it, whatever is cached, and however well its tokens are guessed.
Work work_of(const Request& request, const Scenario& scenario) {
  const double prompt = request.prompt_tokens;
  const double gaps = request.output_tokens - 1.0;
  const Speculation& speculation = scenario.batching.speculation;
  const double read = speculation.on() ? gaps / speculation.computed() * prompt
                                       : gaps * prompt + gaps * (gaps + 1) / 2;
  return {caches_prompts(scenario) ? 0 : prompt, gaps, read};
}

double value_of(const std::string& metric, const RequestLatency& latency) {
  return metric == "ttft" ? latency.ttft_s : metric == "tpot" ? latency.tpot_s : latency.e2e_s;
}

}  // namespace

bool caches_prompts(const Scenario& scenario) {
  return scenario.kv_cache.prefix_caching || !scenario.kv_cache.tiers.empty();
}

DueWork::DueWork(const Scenario& scenario, double longer) {
  if (scenario.llms.size() > 1 || sends_some_away(scenario)) return;
  const std::optional<ExpectedRequests> expected = expected_requests(scenario);
  if (!expected) return;
  read(scenario, *expected);
  if (measured_.empty()) return;

  const SloReference reference(scenario, scenario.slo);
  const auto spared = [&](const SloLimit& limit) {
    return allowed_beyond(limit.percentile, expected->most);
  };
  // The limit for one request.
  const auto limit_s = [&](const SloLimit& limit, const Measured& one) {
    const double most = kBeyond * limit.limit / longer;
    return limit.slowdown
               ? most * value_of(limit.metric, reference.alone(one.prompt_tokens, one.output_tokens,
                                                               one.traffic_class))
               : most;
  };
  const auto& limits = scenario.slo.limits;
  const auto is = [](const char* metric) {
    return [metric](const SloLimit& limit) { return limit.metric == metric; };
  };
  const bool ends = std::any_of(limits.begin(), limits.end(), is("e2e"));
  for (const SloLimit& limit : limits) {
    const auto within_s = [&](const Measured& one) { return limit_s(limit, one); };
    if (limit.metric == "e2e") add(spared(limit), Phases::kBoth, within_s);
    if (limit.metric != "ttft") continue;
    add(spared(limit), Phases::kPrompt, within_s);
    for (const SloLimit& tpot : limits) {
      if (ends || tpot.metric != "tpot") continue;
      add(spared(limit) + spared(tpot), Phases::kBoth, [&](const Measured& one) {
        const double gaps = one.output_tokens - (scenario.results.tpot_per_token ? 0.0 : 1.0);
        return limit_s(limit, one) + (one.output_tokens > 1 ? gaps * limit_s(tpot, one) : 0);
      });
    }
  }
}

void DueWork::read(const Scenario& scenario, const ExpectedRequests& expected) {
  Clients clients = open_workload(scenario.workload);
  Request request;
  shortest_prompt_ = std::numeric_limits<std::uint32_t>::max();
  for (std::uint64_t number = 0; std::isfinite(clients.next_s()); ++number) {
    clients.send(request);
    shortest_prompt_ = std::min(shortest_prompt_, request.prompt_tokens);
    longest_ = std::max(longest_, request.prompt_tokens + request.output_tokens);
    if (request.arrival_s < expected.from_s || number < expected.from_number) continue;
    if (measured_.size() == kMost) {
      measured_ = {};
      return;
    }
    measured_.push_back({request.arrival_s, request.prompt_tokens, request.output_tokens,
                         request.traffic_class, work_of(request, scenario)});
  }
}

template <class Within>
void DueWork::add(std::uint64_t spared, Phases phases, Within within_s) {
  Promise promise{spared, phases, {}};
  for (std::uint32_t i = 0; i < measured_.size(); ++i) {
    promise.due.push_back({measured_[i].arrival_s + within_s(measured_[i]), i});
  }
  std::sort(promise.due.begin(), promise.due.end(),
            [](const Due& a, const Due& b) { return a.by_s < b.by_s; });
  promises_.push_back(std::move(promise));
}

double DueWork::least_per_s(const Work& price) const {
  const bool of_prompts = price.decodes == 0 && price.kv_tokens == 0;
  double least = 0;
  for (const Promise& promise : promises_) {
    if (promise.phases == Phases::kPrompt && !of_prompts) continue;
    least = std::max(least, least_per_s(promise, price));
  }
  return least;
}

// Those that are spared may be the largest of all.
double DueWork::least_per_s(const Promise& promise, const Work& price) const {
  const auto spared = static_cast<std::ptrdiff_t>(promise.spared);
  std::vector<double> worth;
  for (const Due& due : promise.due) worth.push_back(price * measured_[due.request].work);
  if (promise.spared >= worth.size()) return 0;
  std::vector<double> largest = worth;
  std::nth_element(largest.begin(), largest.begin() + spared, largest.end(), std::greater<>());
  double sum = -std::accumulate(largest.begin(), largest.begin() + spared, 0.0);
  double least = 0;
  for (std::size_t i = 0; i < worth.size(); ++i) {
    sum += worth[i];
    least = std::max(least, sum / (promise.due[i].by_s - measured_.front().arrival_s));
  }
  return least;
}

}  // namespace cleave
