#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/metrics/figure.h"
#include "sim/metrics/request_latency.h"
#include "sim/metrics/time_base.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// A limit with the value that a run has.
struct SloFinding {
  SloLimit limit;
  double value;
  bool holds;

  static const FigureTable<SloFinding>& figures();
};

/// How requests keep it by the time of their arrival.
struct SloOverTime {
  double bucket_s;
  Json attainment;
  Json requests;

  static const FigureTable<SloOverTime>& figures();
};

/// How a run keeps an SLO as a whole.
struct SloResult {
  std::string name;
  std::optional<std::string> reference;  ///< machine of the slowdowns
  bool holds;
  double attainment;
  double goodput_rps;
  std::vector<SloFinding> limits;
  SloOverTime over_time;

  static const FigureTable<SloResult>& figures();
};

/// Whether a run keeps the scenario's objectives. Slowdowns compare each request with the same
/// request on the reference machine without contention.
class SloCheck {
 public:
  /// Of the whole scenario, or of a class with objectives of its own.
  SloCheck(const Scenario& scenario, const SloSpec& slo);
  SloCheck(const SloCheck&) = delete;
  SloCheck& operator=(const SloCheck&) = delete;

  void add(const FinishedRequest& request, const RequestLatency& latency);

  /// The distributions that absolute limits hold for.
  struct Measured {
    const Quantiles& ttft;
    const Quantiles& tpot;
    const Quantiles& itl;
    const Quantiles& e2e;
  };
  /// Each limit with its value and whether it holds; goodput and attainment: requests that keep,
  /// each for itself, the limit of the highest percentile of every metric. `failed` requests count
  /// as misses; `seconds` is the time in which requests arrived. Nothing where there is no limit.
  std::optional<SloResult> result(const Measured& measured, std::uint64_t failed,
                                  double seconds) const;
  /// One that was sent away or not completed, by its arrival.
  void add_failed(double arrival_s) { over_time_.count(arrival_s, {0, 1}); }

  /// True where the reference of the slowdowns was not measured.
  bool estimated() const { return reference_.estimated(); }

  /// The distributions of the slowdowns; null where no limit is one.
  const Quantiles* ttft_slowdown() const { return reference_.exists() ? &ttft_slowdown_ : nullptr; }
  const Quantiles* tpot_slowdown() const { return reference_.exists() ? &tpot_slowdown_ : nullptr; }
  const Quantiles* e2e_slowdown() const { return reference_.exists() ? &e2e_slowdown_ : nullptr; }

 private:
  SloOverTime over_time() const;
  const Quantiles& limited(const SloLimit& limit, const Measured& measured) const;

  SloSpec spec_;
  SloReference reference_;
  Quantiles ttft_slowdown_;
  Quantiles tpot_slowdown_;
  Quantiles e2e_slowdown_;
  struct Loosest {
    double limit;
    LimitedValue value;
  };
  std::vector<Loosest> loosest_;  ///< for each metric and kind, that of the highest percentile
  std::uint64_t requests_ = 0;
  std::uint64_t good_ = 0;
  TimeBase time_;
  TimeSeries<2> over_time_{time_};  ///< by arrival: requests that keep all limits, and all
};

}  // namespace cleave
