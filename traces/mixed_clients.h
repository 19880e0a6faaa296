#pragma once

#include <cstdint>
#include <optional>

#include "traces/client_mix.h"
#include "traces/transform.h"

namespace cleave {

struct MixedClientsSettings {
  std::optional<double> rate_rps;  ///< all rates are scaled to this mean; without, as they are
  bool paired = true;              ///< prompts and outputs; see quantile_lengths()
  std::uint64_t seed = 0;
};

/// The requests of all clients of a mix in the order of their arrival; of equal times, those of the
/// client that stands first in the mix. It never ends. Each client has random streams of its own,
/// by its number: what stands behind it in the mix changes nothing of its requests.
SourcePtr mixed_clients(const ClientMix& mix, const MixedClientsSettings& settings);

}  // namespace cleave
