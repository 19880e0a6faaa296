#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "sim/metrics/quantiles.h"
#include "sim/metrics/slo.h"

namespace cleave {

/// What became of the requests of one class. Counts are of all its requests, latencies of the
/// measured ones.
class ClassLog {
 public:
  ClassLog(const Scenario& scenario, const ClassSpec& spec)
      : name_(spec.name), slo_(scenario, spec.slo) {}

  void finished(const FinishedRequest& request);
  void failed(const FinishedRequest& request);
  void measured(const FinishedRequest& request, const RequestLatency& latency);
  void measured_failed(const FinishedRequest& request);
  /// Once, after the run: requests arrived in so many seconds.
  void end(double window_s);

  const std::string& name() const { return name_; }
  const std::optional<SloResult>& slo() const { return result_; }
  /// Of the tokens that its requests asked for, those it got.
  double served_share() const;

  static const FigureTable<ClassLog>& figures();

 private:
  std::string name_;
  std::uint64_t completed_ = 0;
  std::uint64_t too_large_ = 0;
  std::uint64_t over_rate_ = 0;
  std::uint64_t late_ = 0;
  std::uint64_t unfinished_ = 0;
  double prompt_tokens_ = 0;
  double output_tokens_ = 0;
  double asked_tokens_ = 0;
  Quantiles ttft_;
  Quantiles tpot_;
  Quantiles e2e_;
  Quantiles queueing_;
  std::uint64_t measured_failures_ = 0;
  SloCheck slo_;
  std::optional<SloResult> result_;
};

/// How alike classes are treated: Jain's index (sum x)^2 / (n sum x^2), from 1/n to 1 for all equal
/// (Jain, Chiu, Hawe: DEC-TR-301, 1984).
struct Fairness {
  double service;                    ///< x: of the tokens asked for, those served
  std::optional<double> attainment;  ///< x: attainment, where all classes have an SLO

  static Fairness of(const std::deque<ClassLog>& classes);
  static const FigureTable<Fairness>& figures();
};

}  // namespace cleave
