#include "sim/machine/prefix_cache.h"

#include <algorithm>

#include "sim/base/error.h"

namespace cleave {

// For each extent in which some of the blocks [from, to) end: its id, and which of the blocks that
// end in it. Ends where `visit` says so.
template <class Visit>
void PrefixCache::visit(const Content& content, std::uint32_t from, std::uint32_t to,
                        Visit visit) const {
  std::uint32_t first = 0;
  for (const Extent& extent : content) {
    const std::uint32_t end = extent.end / block_tokens_;
    const std::uint32_t begin = std::max(first, from);
    if (begin < std::min(end, to)) {
      if (!visit(extent.id, begin - first, std::min(end, to) - first)) return;
    }
    if (end >= to) return;
    first = end;
  }
}

PrefixCache::Found PrefixCache::find(const Content& content, std::uint32_t most) const {
  Found found;
  visit(content, 0, most, [&](std::uint64_t id, std::uint32_t, std::uint32_t wanted) {
    const auto entry = entries_.find(id);
    if (entry == entries_.end()) return false;
    const std::uint32_t there = std::min(wanted, entry->second.blocks);
    found.blocks += there;
    std::uint32_t left = there;
    for (std::uint32_t at = entry->second.first; left > 0; at = pieces_[at].next) {
      const std::uint32_t blocks = std::min(left, pieces_[at].blocks);
      if (pieces_[at].users == 0) found.unused += blocks;
      left -= blocks;
    }
    return there == wanted;
  });
  return found;
}

std::uint32_t PrefixCache::use(const Content& content, std::uint32_t blocks) {
  std::uint32_t in_use = 0;
  visit(content, 0, blocks, [&](std::uint64_t id, std::uint32_t from, std::uint32_t to) {
    in_use += use(entries_.at(id), from, to);
    return true;
  });
  return blocks - in_use;
}

std::uint32_t PrefixCache::add(const Content& content, std::uint32_t from, std::uint32_t to) {
  std::uint32_t in_use = 0;
  visit(content, from, to, [&](std::uint64_t id, std::uint32_t begin, std::uint32_t end) {
    Entry& entry = entries_[id];
    const std::uint32_t there = std::clamp(entry.blocks, begin, end);
    if (there > begin) in_use += use(entry, begin, there);
    if (end > there) append(entry, id, end - there);
    return true;
  });
  return in_use;
}

std::uint32_t PrefixCache::leave(const Content& content, std::uint32_t blocks) {
  left_.clear();
  visit(content, 0, blocks, [&](std::uint64_t id, std::uint32_t, std::uint32_t to) {
    left_.emplace_back(id, to);
    return true;
  });
  std::uint32_t unused = 0;
  for (auto each = left_.rbegin(); each != left_.rend(); ++each) {
    unused += leave(entries_.at(each->first), each->second);
  }
  return unused;
}

std::uint32_t PrefixCache::new_piece(const Piece& piece) {
  if (free_.empty()) {
    pieces_.push_back(piece);
    return static_cast<std::uint32_t>(pieces_.size() - 1);
  }
  const std::uint32_t at = free_.back();
  free_.pop_back();
  pieces_[at] = piece;
  return at;
}

// So that a piece begins with the block `at`, or nothing is there behind it. Of blocks that nobody
// uses the last ones go first.
void PrefixCache::split(const Entry& entry, std::uint32_t at) {
  if (at == 0 || at >= entry.blocks) return;
  std::uint32_t piece = entry.first;
  while (at > pieces_[piece].blocks) {
    at -= pieces_[piece].blocks;
    piece = pieces_[piece].next;
  }
  if (at == pieces_[piece].blocks) return;
  Piece rest = pieces_[piece];
  rest.blocks -= at;
  rest.older = rest.newer = kNone;
  const std::uint32_t behind = new_piece(rest);
  pieces_[piece].blocks = at;
  pieces_[piece].next = behind;
  if (rest.users == 0) put_before(behind, piece);
}

// Gives how many of them were in use.
std::uint32_t PrefixCache::use(const Entry& entry, std::uint32_t from, std::uint32_t to) {
  split(entry, from);
  split(entry, to);
  std::uint32_t in_use = 0;
  std::uint32_t block = 0;
  for (std::uint32_t at = entry.first; block < to; at = pieces_[at].next) {
    Piece& piece = pieces_[at];
    block += piece.blocks;
    if (block <= from) continue;
    if (piece.users > 0) in_use += piece.blocks;
    if (piece.users++ > 0) continue;
    take_out(at);
    unused_ -= piece.blocks;
  }
  return in_use;
}

// Its user uses all blocks before these.
void PrefixCache::append(Entry& entry, std::uint64_t id, std::uint32_t blocks) {
  entry.blocks += blocks;
  if (entry.first == kNone) {
    entry.first = new_piece({id, blocks, 1});
    return;
  }
  std::uint32_t last = entry.first;
  while (pieces_[last].next != kNone) last = pieces_[last].next;
  if (pieces_[last].users == 1) {
    pieces_[last].blocks += blocks;
    return;
  }
  const std::uint32_t behind = new_piece({id, blocks, 1});
  pieces_[last].next = behind;
}

std::uint32_t PrefixCache::leave(const Entry& entry, std::uint32_t blocks) {
  split(entry, blocks);
  walked_.clear();
  std::uint32_t block = 0;
  for (std::uint32_t at = entry.first; block < blocks; at = pieces_[at].next) {
    walked_.push_back(at);
    block += pieces_[at].blocks;
  }
  std::uint32_t unused = 0;
  for (auto at = walked_.rbegin(); at != walked_.rend(); ++at) {
    Piece& piece = pieces_[*at];
    if (--piece.users > 0) continue;
    put_before(*at, kNone);
    unused += piece.blocks;
  }
  unused_ += unused;
  return unused;
}

void PrefixCache::put_before(std::uint32_t piece, std::uint32_t newer) {
  const std::uint32_t older = newer == kNone ? newest_ : pieces_[newer].older;
  pieces_[piece].older = older;
  pieces_[piece].newer = newer;
  (older == kNone ? oldest_ : pieces_[older].newer) = piece;
  (newer == kNone ? newest_ : pieces_[newer].older) = piece;
}

void PrefixCache::take_out(std::uint32_t piece) {
  const auto [older, newer] = std::pair(pieces_[piece].older, pieces_[piece].newer);
  (older == kNone ? oldest_ : pieces_[older].newer) = newer;
  (newer == kNone ? newest_ : pieces_[newer].older) = older;
}

void PrefixCache::evict(std::uint64_t blocks) {
  if (blocks > unused_) broken_invariant("a prefix cache was to give room that is in use");
  unused_ -= blocks;
  while (blocks > 0) {
    const std::uint32_t at = oldest_;
    Piece& piece = pieces_[at];
    if (piece.next != kNone)
      broken_invariant("a prefix cache lost blocks before those behind them");
    const auto gone = static_cast<std::uint32_t>(std::min<std::uint64_t>(blocks, piece.blocks));
    blocks -= gone;
    piece.blocks -= gone;
    entries_.at(piece.id).blocks -= gone;
    if (piece.blocks > 0) return;
    take_out(at);
    erase_last(at);
  }
}

void PrefixCache::erase_last(std::uint32_t piece) {
  const auto entry = entries_.find(pieces_[piece].id);
  if (entry->second.first == piece) {
    entries_.erase(entry);
  } else {
    std::uint32_t before = entry->second.first;
    while (pieces_[before].next != piece) before = pieces_[before].next;
    pieces_[before].next = kNone;
  }
  free_.push_back(piece);
}

}  // namespace cleave
