#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "traces/request.h"

namespace cleave {

/// What prompts find in a prefix cache of one size.
struct HitPoint {
  std::uint64_t blocks = 0;
  std::uint64_t hit_tokens = 0;
};

/// Hit rate over cache size of requests that one instance serves one after the other; see
/// StackDistances for the cache.
struct HitCurve {
  std::uint32_t block_tokens = 0;
  std::uint64_t requests = 0;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t distinct_blocks = 0;
  std::uint64_t largest_request_blocks = 0;  ///< that a cache must have, for it to run at all
  std::vector<HitPoint> points;              ///< from small to large, all below `unlimited`
  HitPoint unlimited;                        ///< the least size that is as good as any larger one

  double rate(const HitPoint& point) const {
    return static_cast<double>(point.hit_tokens) / static_cast<double>(prompt_tokens);
  }
};

/// Reads all requests. The points of the curve are powers of two and `sizes` (blocks), as far as
/// they hold the largest request. Throws InputError, which begins with `place`, where no request
/// says what its tokens are.
HitCurve measure_hits(RequestSource& source, std::uint32_t block_tokens, const std::string& place,
                      std::vector<std::uint64_t> sizes = {});

}  // namespace cleave
