#include "traces/stack_distances.h"

#include <algorithm>

#include "sim/base/random.h"

namespace cleave {

void StackDistances::add(const Request& request) {
  const std::uint32_t blocks = (request.prompt_tokens + request.output_tokens - 1) / block_tokens_;
  const std::uint32_t findable = (request.prompt_tokens - 1) / block_tokens_;
  std::uint32_t from = 0;
  std::uint64_t before = 0;
  for (const Extent& extent : request.content) {
    const std::uint32_t to = std::min(extent.end / block_tokens_, blocks);
    const std::uint64_t id = hash_of(before, extent.id);
    if (to > from) use(extents_[id], from, to, findable);
    from = to;
    before = hash_of(id, extent.end);
  }
  in_use_of_.append(blocks);
}

// The request's own blocks before `from`, and then these, were used by nobody else since.
void StackDistances::use(Pieces& pieces, std::uint32_t from, std::uint32_t to,
                         std::uint32_t findable) {
  while (from < to && !pieces.empty()) {
    const Piece last = pieces.back();
    const std::uint32_t end = std::min(last.end, to);
    in_use_of_.add(last.request, -std::int64_t{end - from});
    const std::int64_t later = in_use_of_.total() - in_use_of_.sum(last.request + 1);
    if (from < findable) count(later + from + 1, later + std::min(end, findable) + 1);
    if (end == last.end) pieces.pop_back();
    from = end;
  }
  pieces.push_back({to, static_cast<std::uint32_t>(in_use_of_.size())});
}

void StackDistances::count(std::int64_t from, std::int64_t to) {
  const auto step = [&](std::int64_t distance, std::int64_t more) {
    const auto place = steps_.try_emplace(distance).first;
    place->second += more;
    if (place->second == 0) steps_.erase(place);
  };
  step(from, 1);
  step(to, -1);
}

std::uint64_t StackDistances::hits(std::uint64_t blocks) const {
  const auto size = static_cast<std::int64_t>(std::min(blocks, enough_blocks()));
  std::int64_t found = 0;
  for (const auto& [distance, more] : steps_) {
    if (distance > size) break;
    found += more * (size - distance + 1);
  }
  return static_cast<std::uint64_t>(found);
}

std::uint64_t StackDistances::enough_blocks() const {
  return steps_.empty() ? 0 : static_cast<std::uint64_t>(steps_.rbegin()->first - 1);
}

}  // namespace cleave
