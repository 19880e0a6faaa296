#include "sim/metrics/metrics.h"

#include <algorithm>

#include "sim/scenario/pool_latency.h"

namespace cleave {

Metrics::Metrics(const Scenario& scenario)
    : scenario_(scenario),
      window_(scenario.results.warmup_s, scenario.workload.warmup_requests),
      pools_(scenario),
      slo_(scenario, scenario.slo),
      gaps_(window_),
      scaling_(scenario) {
  for (const ClassSpec& spec : scenario.classes) classes_.emplace_back(scenario, spec);
  estimated_ = slo_.estimated();
  for (std::size_t pool = 0; pool < scenario.pools.size(); ++pool) {
    const auto latency = pool_latency(scenario, pool);
    estimated_ = estimated_ || latency->estimated();
    const std::string sure = latency->how_sure();
    if (how_sure_.find(sure) == std::string::npos)
      how_sure_ += (how_sure_.empty() ? "" : "; ") + sure;
  }
}

void Metrics::finished(const FinishedRequest& request) {
  window_.finished(request);
  prompt_tokens_ += request.prompt_tokens;
  output_tokens_ += request.output_tokens;
  prefix_use_.add(request);
  sessions_.finished(request);
  if (!classes_.empty()) classes_[request.traffic_class].finished(request);
  left(request, true);
  if (hope_) hope_->add(request);
}

void Metrics::rejected(const FinishedRequest& request, double needed_bytes) {
  constexpr std::size_t kMostNamed = 20;
  window_.rejected(request.arrival_s);
  if (!classes_.empty()) classes_[request.traffic_class].failed(request);
  if (request.refusal == Refusal::kTooLarge && rejected_.size() < kMostNamed) {
    rejected_.push_back(
        {request.line, request.prompt_tokens + request.output_tokens, needed_bytes});
  }
  sessions_.rejected(request);
  left(request, false);
}

void Metrics::unfinished(const FinishedRequest& request) {
  sessions_.unfinished(request);
  window_.unfinished(request);
  if (!classes_.empty()) classes_[request.traffic_class].failed(request);
  left(request, false);
}

void Metrics::left(const FinishedRequest& request, bool completed) {
  constexpr std::size_t kMostHeld = 1 << 17;
  const std::optional<bool> measured = window_.measures(request);
  if (measured) {
    if (*measured) measure({request, completed});
    return;
  }
  held_.push_back({request, completed});
  if (held_.size() == kMostHeld) {
    window_.decide_by(completed ? request.completion_s : request.arrival_s);
  }
}

void Metrics::measure(const Left& left) {
  if (!left.completed) {
    ++measured_failures_;
    slo_.add_failed(left.request.arrival_s);
    if (!classes_.empty()) classes_[left.request.traffic_class].measured_failed(left.request);
    return;
  }
  const FinishedRequest& request = left.request;
  const RequestLatency latency = RequestLatency::of(request, scenario_.results);
  const double queueing_s = request.prompt_start_s - request.arrival_s;
  prompt_length_.add(request.prompt_tokens);
  output_length_.add(request.output_tokens);
  ttft_.add(latency.ttft_s);
  e2e_.add(latency.e2e_s);
  queueing_.add(queueing_s);
  computing_.add(latency.e2e_s - queueing_s - request.aside_s);
  if (latency.has_tpot) {
    tpot_.add(latency.tpot_s);
    largest_gap_.add(request.largest_gap_s);
  }
  if (request.handed_over()) {
    transfer_.add(request.transfer_end_s - request.transfer_ready_s);
    PoolTransfers::Pair& use = pair(request.prompt_instance, request.token_instance);
    use.exposed_s += request.exposed_transfer_s();
    exposed_transfer_.add(request.exposed_transfer_s());
    use.e2e_s += latency.e2e_s;
  }
  slo_.add(request, latency);
  if (!classes_.empty()) classes_[request.traffic_class].measured(request, latency);
  slowest_.add(request);
}

void Metrics::segment(const Segment& segment) {
  window_.segment(segment, pools_.segment(segment));
  gaps_.segment(segment);
}

void Metrics::end(double end_s) {
  pools_.end(end_s);
  window_.end(end_s);
  gaps_.end();
  for (const Left& each : held_) {
    if (*window_.measures(each.request)) measure(each);
  }
  held_ = {};
  scaling_.end(end_s);
  for (ClassLog& each : classes_) each.end(window_.seconds());
}

void Metrics::transferred(InstanceId from, InstanceId to, double start_s, double end_s,
                          double bytes, double ideal_s) {
  PoolTransfers::Pair& use = pair(from, to);
  ++use.transfers;
  use.bytes += bytes;
  use.ideal_s += ideal_s;
  use.seconds.add(end_s - start_s);
  pools_.transferred(from, start_s, end_s);
}

}  // namespace cleave
