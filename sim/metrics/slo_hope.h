#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "sim/metrics/request_latency.h"

namespace cleave {

/// Ends a run whose SLO is lost: these limits, as in "ttft p99", break whatever is still to come.
class SloLost : public std::exception {
 public:
  SloLost(std::vector<std::string> lost, double time_s) : limits(std::move(lost)), at_s(time_s) {}
  const char* what() const noexcept override { return "the SLO is lost"; }

  std::vector<std::string> limits;
  double at_s;
};

/// Of `most` values, how many may lie above a limit that their quantile keeps; fewer values allow
/// no more. One to spare for rounding.
std::uint64_t allowed_beyond(double percentile, std::uint64_t most);

/// Quantiles of many values are within 0.05 % of the exact ones: what is beyond a limit by more
/// than twice that is so in whatever way they are told.
inline constexpr double kBeyond = 1.001;

/// Whether a run can still keep its SLO. A limit of a percentile p is lost once more requests are
/// beyond it than all that are measured leave above their quantile p; requests that fail would only
/// leave fewer. Limits of gaps between tokens (itl) are not looked at.
class SloHope {
 public:
  /// `longer`: how many times as long everything takes as the run says.
  SloHope(const Scenario& scenario, const ExpectedRequests& expected, double longer);

  /// A request has finished. Throws SloLost.
  void add(const FinishedRequest& request);

 private:
  struct Watched {
    SloLimit limit;
    LimitedValue value;
    bool of_gaps;           ///< that a request of one token has none of
    std::uint64_t allowed;  ///< so many requests may be beyond it
    std::uint64_t beyond = 0;
  };

  ExpectedRequests expected_;
  ResultsSpec results_;
  double longer_;
  SloReference reference_;
  std::vector<Watched> watched_;
};

}  // namespace cleave
