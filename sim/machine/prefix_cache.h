#pragma once

#include <algorithm>
#include <cstdint>
#include <memory_resource>
#include <unordered_map>
#include <vector>

#include "sim/base/error.h"
#include "sim/core/content.h"

namespace cleave {

/// Neighbouring blocks of an extent, counted from the first one that ends in it: [from, to).
struct BlockRun {
  std::uint64_t id = 0;  ///< of the extent
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint32_t blocks() const { return to - from; }
};

/// Blocks of KV caches that requests share: whole blocks of `block_tokens` tokens, each known by
/// its own tokens and all before them. Blocks that nobody uses any more stay until room is needed;
/// those that were used longest ago go first, of one request, and of one extent, the last ones
/// first.
///
/// In the memory of an instance, who uses blocks uses all from the first on, so what is there of a
/// content is always its beginning. Behind it, where blocks come as an instance throws them out and
/// nobody uses any, it may begin anywhere.
///
/// Everything takes time by the extents of a content, not by its blocks.
class PrefixCache {
 public:
  explicit PrefixCache(std::uint32_t block_tokens) : block_tokens_(block_tokens) {}

  struct Found {
    std::uint32_t blocks = 0;
    std::uint32_t unused = 0;  ///< of these, by anybody
  };
  /// What is there of the blocks [from, to) of a content, from the first on without a gap.
  Found find(const Content& content, std::uint32_t from, std::uint32_t to) const;
  /// The first blocks of a content, all of them there, have one user more; gives how many had none.
  std::uint32_t use(const Content& content, std::uint32_t blocks);
  /// Somebody who uses the blocks before `from` has computed those up to `to`, and uses them: where
  /// they are there already, those. Gives how many of these were in use.
  std::uint32_t add(const Content& content, std::uint32_t from, std::uint32_t to);
  /// The first blocks of a content have one user less; gives how many have none now.
  std::uint32_t leave(const Content& content, std::uint32_t blocks);
  /// Where nobody uses any: of a content the blocks [from, to) are there from now on, and whatever
  /// is there before them was used now. Of an extent no blocks stay, or come, beyond a gap.
  void put(const Content& content, std::uint32_t from, std::uint32_t to);

  /// Blocks that nobody uses.
  std::uint64_t unused() const { return unused_; }
  /// So many of these go, as `gone` is told. Throws BrokenInvariant where there are not so many.
  template <class Gone>
  void evict(std::uint64_t blocks, Gone gone);
  void evict(std::uint64_t blocks) {
    evict(blocks, [](const BlockRun&) {});
  }

  /// The blocks [from, to) of a content, extent by extent.
  template <class Visit>
  void runs(const Content& content, std::uint32_t from, std::uint32_t to, Visit visit) const {
    this->visit(content, from, to, [&](std::uint64_t id, std::uint32_t begin, std::uint32_t end) {
      visit(BlockRun{id, begin, end});
      return true;
    });
  }

 private:
  static constexpr std::uint32_t kNone = 0xffffffffU;
  /// Neighbouring blocks of an extent with the same users.
  struct Piece {
    std::uint64_t id = 0;  ///< of the extent
    std::uint32_t blocks = 0;
    std::uint32_t users = 0;
    std::uint32_t next = kNone;  ///< behind it in the extent
    // Of those that nobody uses, by when they were used last:
    std::uint32_t older = kNone;
    std::uint32_t newer = kNone;
  };
  /// The blocks [begin, end) of an extent.
  struct Entry {
    std::uint32_t first = kNone;  ///< piece
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  using Entries = std::pmr::unordered_map<std::uint64_t, Entry>;

  template <class Visit>
  void visit(const Content& content, std::uint32_t from, std::uint32_t to, Visit visit) const;
  std::uint32_t new_piece(const Piece& piece);
  void split(const Entry& entry, std::uint32_t at);
  std::uint32_t use(const Entry& entry, std::uint32_t from, std::uint32_t to);
  void append(Entry& entry, std::uint64_t id, std::uint32_t blocks);
  void prepend(Entry& entry, std::uint64_t id, std::uint32_t blocks);
  std::uint32_t leave(const Entry& entry, std::uint32_t from, std::uint32_t to);
  std::uint32_t leave(const std::vector<BlockRun>& runs);
  void drop(Entry& entry);
  BlockRun evict_oldest(std::uint64_t most);
  void put_before(std::uint32_t piece, std::uint32_t newer);
  void take_out(std::uint32_t piece);
  void erase_last(std::uint32_t piece);

  std::uint32_t block_tokens_;
  std::pmr::unsynchronized_pool_resource nodes_;
  Entries entries_{&nodes_};
  std::vector<Piece> pieces_;
  std::vector<std::uint32_t> free_;
  std::uint32_t oldest_ = kNone;
  std::uint32_t newest_ = kNone;
  std::uint64_t unused_ = 0;
  std::vector<BlockRun> left_;  ///< while somebody leaves
  std::vector<std::uint32_t> walked_;
};

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

template <class Gone>
void PrefixCache::evict(std::uint64_t blocks, Gone gone) {
  if (blocks > unused_) broken_invariant("a prefix cache was to give room that is in use");
  while (blocks > 0) {
    const BlockRun run = evict_oldest(blocks);
    blocks -= run.blocks();
    gone(run);
  }
}

}  // namespace cleave
