#pragma once

#include <memory>
#include <vector>

#include "models/latency/latency.h"
#include "sim/core/records.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// The latencies of one request, in seconds.
struct RequestLatency {
  double ttft_s = 0;
  double tpot_s = 0;  ///< 0 where the request has one token
  double e2e_s = 0;
  bool has_tpot = false;

  static RequestLatency of(const FinishedRequest& request, const ResultsSpec& results);
};

/// How many times as long a request took as the same request alone on a reference machine.
struct Slowdowns {
  double ttft = 0;
  double tpot = 0;
  double e2e = 0;
};

/// The reference machine of an SLO's slowdowns, for each LLM that is served.
class SloReference {
 public:
  SloReference(const Scenario& scenario, const SloSpec& slo);

  /// Whether any limit is a slowdown; without, there are none.
  bool exists() const { return !alone_.empty(); }
  bool estimated() const;
  /// What such a request takes there alone; not without exists().
  RequestLatency alone(std::uint32_t prompt_tokens, std::uint32_t output_tokens,
                       std::uint32_t traffic_class) const;
  Slowdowns slowdowns(const FinishedRequest& request, const RequestLatency& latency) const;

 private:
  struct Alone {
    std::unique_ptr<LatencyModel> model;
    RunCost decode;  ///< of one sequence without a KV cache
  };
  const Scenario& scenario_;
  std::vector<Alone> alone_;  ///< by LLM; none: no limit is a slowdown
};

/// What a limit is compared with in one request; of "itl", its largest gap.
using LimitedValue = double (*)(const FinishedRequest& request, const RequestLatency& latency,
                                const Slowdowns& slowdowns);
LimitedValue limited_value(const SloLimit& limit);

/// As SLOs write it: "p50", "p99.9".
std::string percentile_name(double percentile);

}  // namespace cleave
