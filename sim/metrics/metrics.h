#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "sim/core/observer.h"
#include "sim/metrics/class_log.h"
#include "sim/metrics/cost.h"
#include "sim/metrics/energy_bill.h"
#include "sim/metrics/measured_window.h"
#include "sim/metrics/pool_metrics.h"
#include "sim/metrics/pool_transfers.h"
#include "sim/metrics/prefix_use.h"
#include "sim/metrics/scaling_use.h"
#include "sim/metrics/session_log.h"
#include "sim/metrics/single_requests.h"
#include "sim/metrics/slo.h"
#include "sim/metrics/slo_hope.h"
#include "sim/metrics/tier_use.h"
#include "sim/metrics/token_gaps.h"

namespace cleave {

/// Of the summary's fields and their meanings.
inline constexpr int kSummaryVersion = 2;

/// Watches a run and sums it up.
class Metrics : public Observer {
 public:
  explicit Metrics(const Scenario& scenario);

  /// Before the run: that it ends with SloLost as soon as SloHope says so.
  void end_when_lost(const ExpectedRequests& expected, double longer) {
    hope_.emplace(scenario_, expected, longer);
  }
  /// Before the summary: it leaves out what is drawn, and the units.
  void be_brief() { brief_ = true; }

  void arrived(double time_s) override { window_.arrived(time_s); }
  void finished(const FinishedRequest& request) override;
  void rejected(const FinishedRequest& request, double needed_bytes) override;
  void unfinished(const FinishedRequest& request) override;
  void segment(const Segment& segment) override;
  /// Of a segment only the times between its tokens.
  void gaps_of(const Segment& segment) { gaps_.segment(segment); }
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
    scaling_.pool_changed(instance, role);
  }
  void status_changed(InstanceId instance, double time_s, InstanceStatus status) override {
    pools_.status_changed(instance, time_s, status);
    scaling_.status_changed(instance, time_s, status);
  }
  void tier_moved(const TierMove& move) override { tiers_.add(move); }
  void link_used(const LinkUse& link) override { links_.push_back(link); }

  /// Once, after the run.
  Json summary(const RunTotals& totals);
  /// Instead, of the summary what ObjectiveEvents tell: how many requests, E2E, classes, the SLO
  /// and whether the cluster kept up; and of tokens only those of completed requests.
  Json objectives(const RunTotals& totals);
  /// Those of the whole summary, in its order.
  struct Run;
  static const FigureTable<Run>& figures();
  const PoolMetrics& pools() const { return pools_; }
  const std::vector<LinkUse>& links() const { return links_; }

 private:
  struct Left {
    FinishedRequest request;
    bool completed;
  };
  PoolTransfers::Pair& pair(InstanceId from, InstanceId to) {
    return transfers_.pair(pools_.pool_of(from), pools_.pool_of(to));
  }
  void left(const FinishedRequest& request, bool completed);
  void measure(const Left& left);
  void end(double end_s);
  std::uint64_t arrived_in_window() const { return e2e_.count() + measured_failures_; }
  Json tiers() const;
  Json classes() const;
  double window_energy_j() const;
  double filling_share(double from_s, double to_s) const;
  std::optional<SloResult> slo() const;
  Steadiness steadiness() const;
  Cost cost(const RunTotals& totals) const;
  PowerUse power() const;
  std::optional<EnergyBill> energy_bill(const RunTotals& totals) const;
  static const FigureTable<Run>& request_figures();
  static const FigureTable<Run>& window_figures();
  static const FigureTable<Run>& token_figures();
  static const FigureTable<Run>& cdf_figures();

  const Scenario& scenario_;
  MeasuredWindow window_;
  PoolMetrics pools_;
  SloCheck slo_;
  std::optional<SloHope> hope_;  ///< where the run ends without it
  bool brief_ = false;
  TokenGaps gaps_;
  Quantiles ttft_;
  Quantiles tpot_;
  Quantiles e2e_;
  Quantiles largest_gap_;
  Quantiles queueing_;
  Quantiles transfer_;
  Quantiles exposed_transfer_;
  Quantiles prompt_length_;
  Quantiles output_length_;
  Quantiles computing_;  ///< of a request in iterations
  PoolTransfers transfers_;
  std::vector<LinkUse> links_;
  std::vector<RejectedRequest> rejected_;
  std::deque<Left> held_;  ///< nobody can say yet whether they are measured
  SlowestRequests slowest_;
  double prompt_tokens_ = 0;  ///< of completed requests
  double output_tokens_ = 0;
  PrefixUse prefix_use_;
  TierLog tiers_;
  SessionLog sessions_;
  ScalingLog scaling_;
  std::deque<ClassLog> classes_;
  std::uint64_t measured_failures_ = 0;
  std::string how_sure_;    ///< the estimates are; "" where nobody knows
  bool estimated_ = false;  ///< the latency of some pool or of the SLO's reference
};

}  // namespace cleave
