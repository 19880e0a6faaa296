#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/base/json_reader.h"
#include "traces/request.h"
#include "traces/token_counts.h"

namespace cleave {

/// How much of the prompts a prefix cache without limits could have kept, by the block ids that
/// Mooncake and Bailian traces carry.
struct PrefixSharing {
  std::uint32_t block_tokens = 0;
  std::uint64_t blocks = 0;
  std::uint64_t seen_before = 0;  ///< blocks whose id an earlier request had
  double share() const {
    return blocks == 0 ? 0 : static_cast<double>(seen_before) / static_cast<double>(blocks);
  }
};

/// What a trace looks like. Rates are requests a second.
struct TraceStatistics {
  std::uint64_t requests = 0;
  double first_arrival_s = 0;
  double duration_s = 0;         ///< from the first arrival to the last
  double mean_rate_rps = 0;      ///< one request in a mean gap; 0 if all arrive at once
  double peak_rate_1s_rps = 0;   ///< most requests in any second, wherever it starts
  double peak_rate_60s_rps = 0;  ///< the same for any minute, a second
  double gap_cv = 0;             ///< burstiness: deviation of the gaps / their mean; Poisson has 1
  double rate_bin_s = 0;
  std::vector<double> rates_rps;  ///< over time, from the first arrival, in bins of rate_bin_s
  TokenCounts prompt_tokens;
  TokenCounts output_tokens;
  double rank_correlation = 0;  ///< Spearman's, ranks of equal lengths averaged
  std::optional<PrefixSharing> prefix;
};

/// Reads the whole trace; keeps 16 bytes a request while it does. Bins of the rate hold 100
/// requests on average where the trace is long enough; a last bin filled in part is left out.
/// Throws InputError for a trace without requests.
TraceStatistics measure_trace(RequestSource& source);

/// The statistics with lengths as mean, std, min, p50, p90, p95, p99, p99.9 and max, for output.
Json statistics_json(const TraceStatistics& statistics);

}  // namespace cleave
