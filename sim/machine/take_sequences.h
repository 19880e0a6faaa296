#pragma once

#include "sim/machine/selection.h"

namespace cleave {

/// Whether a sequence that came with its KV cache waits for a place that is free: `most` are in
/// progress at most.
inline bool sequence_may_join(const Selection& selection, std::uint32_t most) {
  return selection.waiting().first_by_arrival() != kNoRequest && selection.batch().members() < most;
}

/// Takes those sequences that have a place: they hold their memory already.
inline void take_sequences(Selection& selection, std::uint32_t most) {
  while (sequence_may_join(selection, most)) {
    selection.take(selection.waiting().first_by_arrival());
  }
}

}  // namespace cleave
