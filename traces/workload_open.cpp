#include <limits>
#include <utility>

#include "traces/arrivals.h"
#include "traces/generator.h"
#include "traces/transform.h"
#include "traces/workload.h"

namespace cleave {

namespace {

class GivenRequests final : public RequestSource {
 public:
  explicit GivenRequests(std::shared_ptr<const std::vector<Request>> requests)
      : requests_(std::move(requests)) {}
  bool next(Request& request) override {
    if (next_ == requests_->size()) return false;
    request = (*requests_)[next_++];
    return true;
  }

 private:
  std::shared_ptr<const std::vector<Request>> requests_;
  std::size_t next_ = 0;
};

SourcePtr open_file(const Workload& workload) {
  if (workload.given) return std::make_unique<GivenRequests>(workload.given);
  return workload.columns ? open_trace(workload.trace, *workload.columns)
                          : open_trace(workload.trace);
}

SourcePtr open_window(const Workload& workload) {
  SourcePtr source = open_file(workload);
  if (!workload.from_s && !workload.to_s) return source;
  return cut_window(std::move(source), workload.from_s.value_or(0),
                    workload.to_s.value_or(std::numeric_limits<double>::infinity()));
}

SourcePtr replay(const Workload& workload) {
  SourcePtr source;
  if (workload.repeat.value_or(1) > 1) {
    std::optional<double> period_s;
    if (workload.to_s) period_s = *workload.to_s - workload.from_s.value_or(0);
    source = repeat([workload] { return open_window(workload); }, *workload.repeat, period_s,
                    workload.rounds);
  } else {
    source = open_window(workload);
  }
  return workload.rate_scale ? scale_rate(std::move(source), *workload.rate_scale)
                             : std::move(source);
}

SourcePtr generated(const Workload& workload) {
  ArrivalSettings settings;
  settings.rate_rps = workload.rate_rps.value_or(0);
  settings.cv = workload.cv.value_or(1);
  settings.seed = workload.seed;
  Distribution distribution;
  std::unique_ptr<Lengths> lengths;
  if (workload.prompt_tokens) {
    lengths = fixed_lengths(*workload.prompt_tokens, *workload.output_tokens);
  } else if (is_trace_file(workload)) {
    settings.trace = [workload] { return open_file(workload); };
    lengths = resampled_lengths(*settings.trace(), workload.paired, workload.seed);
  } else {
    distribution = load_distribution(workload.trace, "workload.trace");
    settings.distribution = &distribution;
    lengths = quantile_lengths(distribution, workload.paired, workload.seed);
  }
  auto arrivals =
      ArrivalProcesses::make("workload.arrivals", "arrival process", workload.arrivals, settings);
  return generate(std::move(arrivals), std::move(lengths));
}

}  // namespace

Clients open_workload(const Workload& workload) {
  SourcePtr source = workload.arrivals == "replay" ? replay(workload) : generated(workload);
  if (workload.length_range) {
    source = spread_lengths(std::move(source), *workload.length_range, workload.seed);
  }
  if (!workload.priority_shares.empty()) {
    source = draw_priorities(std::move(source), workload.priority_shares, workload.seed);
  }
  if (workload.system_prompts) {
    source = add_system_prompts(std::move(source), *workload.system_prompts, workload.seed);
  }
  if (workload.sessions) {
    source = converse(std::move(source), *workload.sessions, workload.seed);
  } else if (workload.after_reply) {
    source = answer_replies(std::move(source));
  }
  ClientSettings clients;
  clients.concurrency = workload.concurrency;
  clients.ramp_up_s = workload.ramp_up_s;
  clients.think_s = workload.think_s;
  if (workload.arrivals == "closed" || workload.arrivals == "infinite") {
    clients.completed_first = workload.warmup_requests;
    clients.duration_s = workload.duration_s.value_or(clients.duration_s);
  } else if (workload.duration_s) {
    source = limit_duration(std::move(source), *workload.duration_s);
  }
  if (workload.requests) {
    source = limit_requests(std::move(source), *workload.requests + workload.warmup_requests);
  }
  return {std::move(source), clients};
}

}  // namespace cleave
