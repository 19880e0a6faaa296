#pragma once

#include <cstdint>

#include "sim/metrics/figure.h"

namespace cleave {

/// What the machines of a run cost. NaN where a price is needed that nobody knows.
struct Cost {
  double price_per_hour;  ///< $/h of all machines
  double spent_usd;       ///< in the whole run
  std::uint64_t completed_requests;
  /// In the measured window: the machines that are there for prompts, and for output tokens.
  double prompt_usd;
  double output_usd;
  double prompt_tokens;
  double output_tokens;

  static const FigureTable<Cost>& figures();
};

}  // namespace cleave
