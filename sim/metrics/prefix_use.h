#pragma once

#include "sim/core/records.h"
#include "sim/metrics/figure.h"

namespace cleave {

/// What completed requests found in prefix caches.
struct PrefixUse {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t hit_tokens = 0;
  std::uint64_t loaded_tokens = 0;
  std::uint64_t requests = 0;
  std::uint64_t hit_requests = 0;

  void add(const FinishedRequest& request);
  static const FigureTable<PrefixUse>& figures();
};

}  // namespace cleave
