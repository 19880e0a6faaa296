#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "traces/distribution.h"

namespace cleave {

/// One of those whose requests together are the traffic, with its rate over time, the burstiness
/// of its gaps and lengths of its own.
struct MixClient {
  std::string name;            ///< "" where it has none
  std::uint64_t requests = 0;  ///< that it was made from; 0 where that is not known
  Distribution traffic;        ///< mean_rate_rps is that of rates_rps, which may all be 0
};

/// Traffic as the sum of clients with very different rates: ServeGen (Xiang et al., arXiv
/// 2505.09999) shows that production traffic is such, and that what treats it as one process misses
/// its bursts. Stored as JSON, with its origin.
struct ClientMix {
  std::vector<MixClient> clients;  ///< some rate is above 0

  double mean_rate_rps() const;  ///< of all together
};

/// The least and the largest coefficient of variation of a client's gaps.
inline constexpr double kLeastGapCv = 0.01;
inline constexpr double kLargestGapCv = 100;

/// Reads and checks a mix; `place` names it in errors.
ClientMix read_client_mix(const Json& json, const std::string& place);

/// Whether `trace` is the file of a mix: JSON with "clients". Throws InputError for broken JSON.
bool is_client_mix(const std::string& trace);

/// The mix in a file, or null where that holds none or is not there.
std::shared_ptr<const ClientMix> find_client_mix(const std::string& trace);

/// A mix as read_client_mix() reads it, for distribution_text() to lay out.
Json client_mix_json(const ClientMix& mix, const DistributionOrigin& origin);

}  // namespace cleave
