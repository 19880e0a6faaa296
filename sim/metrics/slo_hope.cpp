#include "sim/metrics/slo_hope.h"

#include <cmath>

namespace cleave {

std::uint64_t allowed_beyond(double percentile, std::uint64_t most) {
  if (most == 0) return 0;
  const double rank = percentile / 100 * static_cast<double>(most - 1);
  return most - static_cast<std::uint64_t>(std::floor(rank));
}

SloHope::SloHope(const Scenario& scenario, const ExpectedRequests& expected, double longer)
    : expected_(expected),
      results_(scenario.results),
      longer_(longer),
      reference_(scenario, scenario.slo) {
  for (const SloLimit& limit : scenario.slo.limits) {
    if (limit.metric == "itl") continue;
    watched_.push_back({limit, limited_value(limit), limit.metric == "tpot",
                        allowed_beyond(limit.percentile, expected.most)});
  }
}

void SloHope::add(const FinishedRequest& request) {
  if (request.arrival_s < expected_.from_s || request.number < expected_.from_number) return;
  const RequestLatency latency = RequestLatency::of(request, results_);
  const Slowdowns slowdowns =
      reference_.exists() ? reference_.slowdowns(request, latency) : Slowdowns{};
  std::vector<std::string> lost;
  for (Watched& each : watched_) {
    if (each.of_gaps && !latency.has_tpot) continue;
    const double value = longer_ * each.value(request, latency, slowdowns);
    if (value <= kBeyond * each.limit.limit || ++each.beyond <= each.allowed) continue;
    lost.push_back(each.limit.metric + " " + percentile_name(each.limit.percentile));
  }
  if (!lost.empty()) throw SloLost(std::move(lost), request.completion_s);
}

}  // namespace cleave
