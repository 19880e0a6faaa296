#include "sim/machine/prefix_cache.h"

namespace cleave {

PrefixCache::Found PrefixCache::find(const Content& content, std::uint32_t from,
                                     std::uint32_t to) const {
  Found found;
  visit(content, from, to, [&](std::uint64_t id, std::uint32_t begin, std::uint32_t end) {
    const auto entry = entries_.find(id);
    if (entry == entries_.end() || begin < entry->second.begin) return false;
    const std::uint32_t there = std::min(end, entry->second.end);
    if (there <= begin) return false;
    found.blocks += there - begin;
    std::uint32_t block = entry->second.begin;
    for (std::uint32_t at = entry->second.first; block < there; at = pieces_[at].next) {
      const std::uint32_t first = std::max(block, begin);
      block += pieces_[at].blocks;
      const std::uint32_t last = std::min(block, there);
      if (last > first && pieces_[at].users == 0) found.unused += last - first;
    }
    return there == end;
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
    const std::uint32_t there = std::clamp(entry.end, begin, end);
    if (there > begin) in_use += use(entry, begin, there);
    if (end > there) append(entry, id, end - there);
    return true;
  });
  return in_use;
}

std::uint32_t PrefixCache::leave(const Content& content, std::uint32_t blocks) {
  left_.clear();
  runs(content, 0, blocks, [&](const BlockRun& run) { left_.push_back(run); });
  return leave(left_);
}

void PrefixCache::put(const Content& content, std::uint32_t from, std::uint32_t to) {
  left_.clear();
  const auto is_used = [&](const Entry& entry, const BlockRun& run) {
    const BlockRun there{run.id, std::max(run.from, entry.begin), std::min(run.to, entry.end)};
    if (there.from >= there.to) return;
    use(entry, there.from, there.to);
    left_.push_back(there);
  };
  runs(content, 0, from, [&](const BlockRun& run) {
    const auto entry = entries_.find(run.id);
    if (entry != entries_.end()) is_used(entry->second, run);
  });
  runs(content, from, to, [&](const BlockRun& run) {
    Entry& entry = entries_[run.id];
    if (entry.first != kNone && run.from > entry.end) return;
    if (run.to < entry.begin) {
      drop(entry);
      std::erase_if(left_, [&](const BlockRun& other) { return other.id == run.id; });
    }
    if (entry.first == kNone) entry.begin = entry.end = run.from;
    const std::uint32_t before = entry.begin - std::min(entry.begin, run.from);
    const std::uint32_t behind = run.to - std::min(run.to, entry.end);
    if (before > 0) left_.push_back({run.id, run.from, entry.begin});
    is_used(entry, run);
    if (behind > 0) {
      left_.push_back({run.id, entry.end, run.to});
      append(entry, run.id, behind);
    }
    if (before > 0) prepend(entry, run.id, before);
  });
  leave(left_);
}

std::uint32_t PrefixCache::leave(const std::vector<BlockRun>& runs) {
  std::uint32_t unused = 0;
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    unused += leave(entries_.at(run->id), run->from, run->to);
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
  if (at <= entry.begin || at >= entry.end) return;
  at -= entry.begin;
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
  std::uint32_t block = entry.begin;
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
  entry.end += blocks;
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

void PrefixCache::prepend(Entry& entry, std::uint64_t id, std::uint32_t blocks) {
  entry.begin -= blocks;
  Piece piece{id, blocks, 1};
  piece.next = entry.first;
  entry.first = new_piece(piece);
}

std::uint32_t PrefixCache::leave(const Entry& entry, std::uint32_t from, std::uint32_t to) {
  split(entry, from);
  split(entry, to);
  walked_.clear();
  std::uint32_t block = entry.begin;
  for (std::uint32_t at = entry.first; block < to; at = pieces_[at].next) {
    if (block >= from) walked_.push_back(at);
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

// All of it, used or not.
void PrefixCache::drop(Entry& entry) {
  for (std::uint32_t at = entry.first; at != kNone; at = pieces_[at].next) {
    if (pieces_[at].users == 0) {
      unused_ -= pieces_[at].blocks;
      take_out(at);
    }
    free_.push_back(at);
  }
  entry = {};
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

// Of the extent whose blocks were used longest ago, its last ones, `most` at most.
BlockRun PrefixCache::evict_oldest(std::uint64_t most) {
  std::uint32_t at = oldest_;
  while (pieces_[at].next != kNone) at = pieces_[at].next;
  Piece& piece = pieces_[at];
  if (piece.users > 0) broken_invariant("a prefix cache lost blocks before those behind them");
  Entry& entry = entries_.at(piece.id);
  const auto gone = static_cast<std::uint32_t>(std::min<std::uint64_t>(most, piece.blocks));
  const BlockRun run{piece.id, entry.end - gone, entry.end};
  unused_ -= gone;
  piece.blocks -= gone;
  entry.end -= gone;
  if (piece.blocks == 0) {
    take_out(at);
    erase_last(at);
  }
  return run;
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
