#include "sim/metrics/request_latency.h"

#include <algorithm>

#include "sim/scenario/pool_latency.h"

namespace cleave {

RequestLatency RequestLatency::of(const FinishedRequest& request, const ResultsSpec& results) {
  RequestLatency latency;
  latency.ttft_s = request.first_token_s - request.arrival_s;
  latency.e2e_s = request.completion_s - request.arrival_s;
  latency.has_tpot = request.output_tokens > 1;
  if (latency.has_tpot) {
    const double divisor = request.output_tokens - (results.tpot_per_token ? 0.0 : 1.0);
    latency.tpot_s = (request.completion_s - request.first_token_s) / divisor;
  }
  return latency;
}

SloReference::SloReference(const Scenario& scenario, const SloSpec& slo) : scenario_(scenario) {
  const auto& limits = slo.limits;
  const bool needed = std::any_of(limits.begin(), limits.end(),
                                  [](const SloLimit& limit) { return limit.slowdown; });
  if (!needed) return;
  for (std::size_t llm = 0; llm < scenario.llms.size(); ++llm) {
    auto model = reference_latency(scenario, slo, llm);
    const RunCost decode = model->cost({0, 0, 0, 1, 0, 1});
    alone_.push_back({std::move(model), decode});
  }
}

bool SloReference::estimated() const {
  return std::any_of(alone_.begin(), alone_.end(),
                     [](const Alone& each) { return each.model->estimated(); });
}

RequestLatency SloReference::alone(std::uint32_t prompt_tokens, std::uint32_t output_tokens,
                                   std::uint32_t traffic_class) const {
  const double prompt = prompt_tokens;
  const double gaps = output_tokens - 1.0;
  const Alone& alone = alone_[scenario_.llm_asked(traffic_class)];
  const double first_s = prompt_s(*alone.model, prompt_tokens);
  const double mean_kv_tokens = prompt + (gaps + 1) / 2;
  const double gap_s = alone.decode.first_s + alone.decode.growth_s * mean_kv_tokens;
  return {first_s, gap_s, first_s + gaps * gap_s, output_tokens > 1};
}

Slowdowns SloReference::slowdowns(const FinishedRequest& request,
                                  const RequestLatency& latency) const {
  const RequestLatency alone_s =
      alone(request.prompt_tokens, request.output_tokens, request.traffic_class);
  return {latency.ttft_s / alone_s.ttft_s, latency.tpot_s / alone_s.tpot_s,
          latency.e2e_s / alone_s.e2e_s};
}

LimitedValue limited_value(const SloLimit& limit) {
  using Finished = const FinishedRequest&;
  using Latency = const RequestLatency&;
  using Slow = const Slowdowns&;
  const auto either = [&](LimitedValue seconds, LimitedValue slowdown) {
    return limit.slowdown ? slowdown : seconds;
  };
  if (limit.metric == "ttft") {
    return either([](Finished, Latency latency, Slow) { return latency.ttft_s; },
                  [](Finished, Latency, Slow slowdowns) { return slowdowns.ttft; });
  }
  if (limit.metric == "tpot") {
    return either([](Finished, Latency latency, Slow) { return latency.tpot_s; },
                  [](Finished, Latency, Slow slowdowns) { return slowdowns.tpot; });
  }
  if (limit.metric == "e2e") {
    return either([](Finished, Latency latency, Slow) { return latency.e2e_s; },
                  [](Finished, Latency, Slow slowdowns) { return slowdowns.e2e; });
  }
  return [](Finished request, Latency, Slow) { return request.largest_gap_s; };
}

std::string percentile_name(double percentile) {
  if (percentile == 99.9) return "p99.9";
  return "p" + std::to_string(static_cast<int>(percentile));
}

}  // namespace cleave
