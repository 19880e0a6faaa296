#pragma once

#include <unordered_map>

#include "sim/core/records.h"
#include "sim/metrics/figure.h"
#include "sim/metrics/quantiles.h"

namespace cleave {

/// Follows conversations. Keeps those under way: begun = completed + cut short + unfinished.
class SessionLog {
 public:
  void finished(const FinishedRequest& request);
  /// A turn that is never answered: its conversation ends with it.
  void rejected(const FinishedRequest& request);
  void unfinished(const FinishedRequest& request);

  bool any() const { return begun_ > 0; }
  static const FigureTable<SessionLog>& figures();

 private:
  void begin(const FinishedRequest& request);

  std::unordered_map<std::uint64_t, double> begun_s_;  ///< of each that is under way
  std::uint64_t begun_ = 0;
  std::uint64_t completed_ = 0;
  std::uint64_t cut_short_ = 0;
  std::uint64_t turns_ = 0;
  Quantiles seconds_;
};

}  // namespace cleave
