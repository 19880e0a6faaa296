#pragma once

#include <cstdint>

#include "sim/metrics/figure.h"

namespace cleave {

/// What the machines of a run cost. NaN where a price is needed that nobody knows.
struct Cost {
  double price_per_hour = 0;  ///< $/h of all machines, on or off
  double spent_usd = 0;       ///< in the whole run, for the time they were on
  std::uint64_t completed_requests = 0;
  /// In the measured window: the machines that are there for prompts, and for output tokens.
  double prompt_usd = 0;
  double output_usd = 0;
  double prompt_tokens = 0;
  double output_tokens = 0;
  std::string prices;  ///< the list they are from; "" where each machine's own counts

  static const FigureTable<Cost>& figures();
};

}  // namespace cleave
