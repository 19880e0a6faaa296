#include "sim/metrics/metrics.h"

#include <algorithm>

#include "sim/scenario/pool_latency.h"

namespace cleave {

namespace {

constexpr std::size_t kSlowest = 50;

bool slower(const FinishedRequest& a, const FinishedRequest& b) {
  const double a_s = a.completion_s - a.arrival_s;
  const double b_s = b.completion_s - b.arrival_s;
  return a_s != b_s ? a_s > b_s : a.number < b.number;
}

}  // namespace

Metrics::Metrics(const Scenario& scenario)
    : scenario_(scenario), warmup_s_(scenario.results.warmup_s), pools_(scenario), slo_(scenario) {
  estimated_ = slo_.estimated();
  for (std::size_t pool = 0; pool < scenario.pools.size(); ++pool) {
    estimated_ = estimated_ || pool_latency(scenario, pool)->estimated();
  }
}

void Metrics::in_system(double time_s, double change) {
  in_system_series_.add(in_system_since_s_, time_s, {in_system_});
  in_system_since_s_ = time_s;
  in_system_ += change;
}

void Metrics::arrived(double time_s) {
  in_system(time_s, 1);
  last_arrival_s_ = time_s;
}

void Metrics::finished(const FinishedRequest& request) {
  in_system(request.completion_s, -1);
  prompt_tokens_ += request.prompt_tokens;
  output_tokens_ += request.output_tokens;
  if (!measured(request.arrival_s)) return;
  RequestLatency latency;
  latency.ttft_s = request.first_token_s - request.arrival_s;
  latency.e2e_s = request.completion_s - request.arrival_s;
  latency.has_tpot = request.output_tokens > 1;
  ttft_.add(latency.ttft_s);
  e2e_.add(latency.e2e_s);
  queueing_.add(request.prompt_start_s - request.arrival_s);
  if (latency.has_tpot) {
    const double divisor = request.output_tokens - (scenario_.results.tpot_per_token ? 0.0 : 1.0);
    latency.tpot_s = (request.completion_s - request.first_token_s) / divisor;
    tpot_.add(latency.tpot_s);
    largest_gap_.add(request.largest_gap_s);
  }
  if (request.moved()) {
    transfer_.add(request.transfer_end_s - request.transfer_ready_s);
    PairUse& use = pair(request.prompt_instance, request.token_instance);
    use.exposed_s += std::max(0.0, request.transfer_end_s - request.first_token_s);
    use.e2e_s += latency.e2e_s;
  }
  slo_.add(request, latency);
  if (slowest_.size() < kSlowest || slower(request, slowest_.front())) {
    if (slowest_.size() == kSlowest) {
      std::pop_heap(slowest_.begin(), slowest_.end(), slower);
      slowest_.pop_back();
    }
    slowest_.push_back(request);
    std::push_heap(slowest_.begin(), slowest_.end(), slower);
  }
}

void Metrics::rejected(const FinishedRequest& request, double needed_bytes) {
  constexpr std::size_t kMostNamed = 20;
  in_system(request.arrival_s, -1);
  if (rejected_.size() < kMostNamed) {
    rejected_.push_back(
        {request.line, request.prompt_tokens + request.output_tokens, needed_bytes});
  }
  if (measured(request.arrival_s)) ++measured_failures_;
}

void Metrics::unfinished(const FinishedRequest& request) {
  if (measured(request.arrival_s)) ++measured_failures_;
}

void Metrics::segment(const Segment& segment) {
  pools_.segment(segment);
  if (segment.decodes == 0 || segment.start_s < warmup_s_) return;
  itl_.add_run(segment.first_iteration_s, 0, 1, segment.decodes - segment.joined);
  if (segment.iterations > 1) {
    itl_.add_run(segment.first_iteration_s + segment.growth_s, segment.growth_s,
                 segment.iterations - 1, segment.decodes);
  }
}

void Metrics::gap(double gap_s) {
  if (in_system_since_s_ >= warmup_s_) itl_.add(gap_s);
}

void Metrics::transferred(InstanceId from, InstanceId to, double start_s, double end_s,
                          double bytes, double ideal_s) {
  PairUse& use = pair(from, to);
  ++use.transfers;
  use.bytes += bytes;
  use.ideal_s += ideal_s;
  use.seconds.add(end_s - start_s);
  pools_.transferred(from, start_s, end_s);
}

}  // namespace cleave
