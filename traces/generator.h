#pragma once

#include <cstdint>
#include <memory>

#include "traces/arrivals.h"
#include "traces/lengths.h"

namespace cleave {

/// The random streams of a workload's seed: separate, so that another rate or arrival process keeps
/// the lengths, another distribution keeps the arrivals, and a range around lengths keeps both.
inline constexpr std::uint64_t kArrivalStream = 1;
inline constexpr std::uint64_t kLengthStream = 2;
inline constexpr std::uint64_t kRangeStream = 3;
inline constexpr std::uint64_t kPriorityStream = 4;
inline constexpr std::uint64_t kSystemPromptStream = 5;
inline constexpr std::uint64_t kSessionStream = 6;
inline constexpr std::uint64_t kClassStream = 7;
inline constexpr std::uint64_t kClientStream = 8;  ///< of a mix: from it each client has a seed

/// Requests from an arrival process and a source of lengths, numbered from 1.
std::unique_ptr<RequestSource> generate(std::unique_ptr<ArrivalProcess> arrivals,
                                        std::unique_ptr<Lengths> lengths);

}  // namespace cleave
