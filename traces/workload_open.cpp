#include <algorithm>
#include <limits>
#include <utility>

#include "traces/arrivals.h"
#include "traces/generator.h"
#include "traces/mixed_clients.h"
#include "traces/traffic_classes.h"
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

std::unique_ptr<Lengths> lengths_of(const Workload& workload) {
  if (workload.prompt_tokens) {
    return fixed_lengths(*workload.prompt_tokens, *workload.output_tokens);
  }
  if (is_trace_file(workload)) {
    return resampled_lengths(*open_file(workload), workload.paired, workload.seed);
  }
  return quantile_lengths(*workload.distribution, workload.paired, workload.seed);
}

SourcePtr generated(const Workload& workload) {
  if (workload.mix) {
    return mixed_clients(*workload.mix, {workload.rate_rps, workload.paired, workload.seed});
  }
  ArrivalSettings settings;
  settings.rate_rps = workload.rate_rps.value_or(0);
  settings.rate = RateCurve(workload.rate_rps.value_or(1));
  if (workload.rates) {
    settings.rate =
        workload.rate_rps ? workload.rates->scaled_to(*workload.rate_rps) : *workload.rates;
  }
  settings.cv = workload.cv.value_or(1);
  settings.seed = workload.seed;
  if (is_trace_file(workload)) {
    settings.trace = [workload] { return open_file(workload); };
  } else if (workload.arrivals == "trace") {
    settings.distribution = workload.distribution.get();
  }
  auto arrivals =
      ArrivalProcesses::make("workload.arrivals", "arrival process", workload.arrivals, settings);
  return generate(std::move(arrivals), lengths_of(workload));
}

/// What its clients are given, but for how many.
SourcePtr open_source(const Workload& workload) {
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
  return source;
}

/// Those of a rate, up to its end.
SourcePtr limited(SourcePtr source, const Workload& workload) {
  if (workload.duration_s) source = limit_duration(std::move(source), *workload.duration_s);
  if (workload.requests) {
    source = limit_requests(std::move(source), *workload.requests + workload.warmup_requests);
  }
  return source;
}

SourcePtr share_out(SourcePtr source, const Workload& workload) {
  if (workload.columns && !workload.columns->traffic_class.empty()) {
    std::vector<std::uint32_t> priorities;
    for (const WorkloadClass& each : workload.classes) priorities.push_back(each.priority);
    return give_priorities(std::move(source), std::move(priorities));
  }
  std::vector<SharedClass> shared;
  for (std::uint32_t i = 0; i < workload.classes.size(); ++i) {
    const WorkloadClass& each = workload.classes[i];
    if (each.own) continue;
    shared.push_back(
        {i, each.share, each.priority, each.lengths ? lengths_of(*each.lengths) : nullptr});
  }
  return draw_classes(std::move(source), std::move(shared), workload.seed);
}

SourcePtr with_classes(SourcePtr shared, const Workload& workload) {
  std::vector<SourcePtr> all;
  if (shared) all.push_back(std::move(shared));
  for (std::uint32_t i = 0; i < workload.classes.size(); ++i) {
    const WorkloadClass& each = workload.classes[i];
    if (!each.own) continue;
    all.push_back(of_class(limited(open_source(*each.own), *each.own), i, each.priority));
  }
  return all.size() == 1 ? std::move(all.front()) : merge(std::move(all));
}

bool shares_out(const Workload& workload) {
  return std::any_of(workload.classes.begin(), workload.classes.end(),
                     [](const WorkloadClass& each) { return !each.own; });
}

}  // namespace

Clients open_workload(const Workload& workload) {
  ClientSettings clients;
  SourcePtr source;
  if (workload.classes.empty() || shares_out(workload)) {
    source = open_source(workload);
    if (!workload.classes.empty()) source = share_out(std::move(source), workload);
  }
  clients.concurrency = workload.concurrency;
  clients.ramp_up_s = workload.ramp_up_s;
  clients.think_s = workload.think_s;
  if (workload.arrivals == "closed" || workload.arrivals == "infinite") {
    clients.completed_first = workload.warmup_requests;
    clients.duration_s = workload.duration_s.value_or(clients.duration_s);
    if (workload.requests) {
      source = limit_requests(std::move(source), *workload.requests + workload.warmup_requests);
    }
  } else if (source) {
    source = limited(std::move(source), workload);
  }
  if (!workload.classes.empty()) source = with_classes(std::move(source), workload);
  return {std::move(source), clients};
}

}  // namespace cleave
