#include <algorithm>
#include <cmath>

#include "sim/simulation.h"
#include "traces/workload.h"

namespace cleave {

namespace {

/// Whether no completed request decides when, or whether, another arrives.
bool comes_by_itself(const Workload& workload) {
  const auto waits = [](const Workload& one) { return one.sessions || one.after_reply; };
  return offers_rate(workload) && !waits(workload) &&
         std::none_of(workload.classes.begin(), workload.classes.end(),
                      [&](const WorkloadClass& each) { return each.own && waits(*each.own); });
}

}  // namespace

std::optional<ExpectedRequests> expected_requests(const Scenario& scenario) {
  if (!comes_by_itself(scenario.workload)) return std::nullopt;
  const std::optional<double>& warmup_s = scenario.results.warmup_s;
  const std::uint64_t warmup_requests = scenario.workload.warmup_requests;
  ExpectedRequests expected{0, warmup_requests > 0 ? 0 : warmup_s.value_or(0), warmup_requests};
  Clients clients = open_workload(scenario.workload);
  Request request;
  double first_s = 0;
  std::uint64_t number = 0;
  for (; std::isfinite(clients.next_s()); ++number) {
    clients.send(request);
    if (number == 0) first_s = request.arrival_s;
    const bool measured = request.arrival_s >= expected.from_s && number >= expected.from_number;
    expected.most += measured ? 1 : 0;
  }
  if (number == 0 || request.arrival_s == first_s) return std::nullopt;
  // A warm-up that is found ends by the middle of the time in which requests arrive.
  const bool found = !warmup_s && warmup_requests == 0;
  if (found) expected.from_s = request.arrival_s / 2;
  return expected;
}

}  // namespace cleave
