#pragma once

#include <vector>

#include "sim/core/records.h"
#include "sim/metrics/figure.h"

namespace cleave {

/// One that no instance could ever hold.
struct RejectedRequest {
  std::uint64_t line;
  std::uint32_t tokens;  ///< prompt and output
  double needed_bytes;

  static const FigureTable<RejectedRequest>& figures();
};

/// Of all requests, the 50 with the longest time from arrival to last token.
class SlowestRequests {
 public:
  void add(const FinishedRequest& request);
  /// The slowest first.
  Json json() const;
  static const FigureTable<FinishedRequest>& figures();

 private:
  std::vector<FinishedRequest> heap_;  ///< the least slow at the front
};

}  // namespace cleave
