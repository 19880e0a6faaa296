#pragma once

#include <map>
#include <utility>
#include <vector>

#include "sim/core/observer.h"
#include "sim/metrics/measured_window.h"
#include "sim/metrics/pool_metrics.h"
#include "sim/metrics/quantiles.h"
#include "sim/metrics/slo.h"
#include "sim/metrics/token_gaps.h"

namespace cleave {

/// Of the summary's fields and their meanings.
inline constexpr int kSummaryVersion = 2;

/// Watches a run and sums it up; the summary's fields are described in docs/output.md.
class Metrics : public Observer {
 public:
  explicit Metrics(const Scenario& scenario);

  void arrived(double time_s) override { window_.arrived(time_s); }
  void finished(const FinishedRequest& request) override;
  void rejected(const FinishedRequest& request, double needed_bytes) override;
  void unfinished(const FinishedRequest& request) override;
  void segment(const Segment& segment) override;
  void gap(double time_s, double gap_s) override { gaps_.gap(time_s, gap_s); }
  void given_up(double time_s, std::uint32_t output_tokens) override {
    window_.given_up(time_s, output_tokens);
  }
  void memory(InstanceId instance, double time_s, double bytes) override {
    pools_.memory(instance, time_s, bytes);
  }
  void queue(InstanceId instance, double time_s, std::uint32_t requests) override {
    pools_.queue(instance, time_s, requests);
  }
  void transferred(InstanceId from, InstanceId to, double start_s, double end_s, double bytes,
                   double ideal_s) override;
  void pool_changed(InstanceId instance, double time_s, PoolRole role) override {
    pools_.pool_changed(instance, time_s, role);
  }
  void link_used(const LinkUse& link) override { links_.push_back(link); }

  /// Once, after the run.
  Json summary(const RunTotals& totals);
  const PoolMetrics& pools() const { return pools_; }
  const std::vector<LinkUse>& links() const { return links_; }

 private:
  struct PairUse {
    std::uint64_t transfers = 0;
    double bytes = 0;
    double ideal_s = 0;
    Quantiles seconds;
    double exposed_s = 0;  ///< from the first token to the end of the transfer
    double e2e_s = 0;
  };
  struct Rejected {
    std::uint64_t line;
    std::uint32_t tokens;
    double needed_bytes;
  };
  struct Left {
    FinishedRequest request;
    bool completed;
  };
  PairUse& pair(InstanceId from, InstanceId to) {
    return pairs_[{pools_.pool_of(from), pools_.pool_of(to)}];
  }
  void left(const FinishedRequest& request, bool completed);
  void measure(const Left& left);
  void end(double end_s);
  std::uint64_t arrived_in_window() const { return e2e_.count() + measured_failures_; }
  double window_energy_j() const;
  double filling_share(double from_s, double to_s) const;
  Json window_json() const;
  Json transfers_json() const;
  Json links_json() const;
  Json steady_json() const;
  Json tokens_json() const;
  Json cost_json(const RunTotals& totals) const;
  Json power_json() const;
  Json slowest_json() const;

  const Scenario& scenario_;
  MeasuredWindow window_;
  PoolMetrics pools_;
  SloCheck slo_;
  TokenGaps gaps_;
  Quantiles ttft_;
  Quantiles tpot_;
  Quantiles e2e_;
  Quantiles largest_gap_;
  Quantiles queueing_;
  Quantiles transfer_;
  Quantiles computing_;  ///< of a request in iterations
  std::map<std::pair<std::size_t, std::size_t>, PairUse> pairs_;
  std::vector<LinkUse> links_;
  std::vector<Rejected> rejected_;
  std::vector<Left> held_;                ///< nobody can say yet whether they are measured
  std::vector<FinishedRequest> slowest_;  ///< a heap, the least slow at the front
  double prompt_tokens_ = 0;              ///< of completed requests
  double output_tokens_ = 0;
  std::uint64_t measured_failures_ = 0;
  bool estimated_ = false;  ///< the latency of some pool or of the SLO's reference
};

}  // namespace cleave
