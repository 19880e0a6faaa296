#include "traces/hit_curve.h"

#include <algorithm>
#include <bit>

#include "sim/base/error.h"
#include "traces/stack_distances.h"

namespace cleave {

HitCurve measure_hits(RequestSource& source, std::uint32_t block_tokens, const std::string& place,
                      std::vector<std::uint64_t> sizes) {
  HitCurve curve;
  curve.block_tokens = block_tokens;
  StackDistances distances(block_tokens);
  bool known = false;
  Request request;
  while (source.next(request)) {
    distances.add(request);
    known |= !request.content.empty();
    ++curve.requests;
    curve.prompt_tokens += request.prompt_tokens;
    const std::uint64_t computed = request.prompt_tokens + request.output_tokens - 1;
    curve.largest_request_blocks =
        std::max(curve.largest_request_blocks, (computed + block_tokens - 1) / block_tokens);
  }
  if (!known) {
    throw InputError(place +
                     ": no request says what its prompt shares with others; expected a trace with "
                     "ids of prompt blocks (hash_ids), such as Mooncake's and Bailian's");
  }
  const auto at = [&](std::uint64_t blocks) {
    return HitPoint{blocks, distances.hits(blocks) * block_tokens};
  };
  const std::uint64_t least = curve.largest_request_blocks;
  const std::uint64_t enough = std::max(least, distances.enough_blocks());
  for (std::uint64_t blocks = std::bit_ceil(least); blocks < enough; blocks *= 2) {
    sizes.push_back(blocks);
  }
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  for (const std::uint64_t blocks : sizes) {
    if (blocks >= least && blocks < enough) curve.points.push_back(at(blocks));
  }
  curve.unlimited = at(enough);
  curve.distinct_blocks = distances.distinct_blocks();
  return curve;
}

}  // namespace cleave
