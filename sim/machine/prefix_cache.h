#pragma once

#include <cstdint>
#include <memory_resource>
#include <unordered_map>
#include <vector>

#include "sim/core/content.h"

namespace cleave {

/// Blocks of KV caches that requests of one instance share: whole blocks of `block_tokens` tokens,
/// each known by its own tokens and all before them. Who uses blocks uses all from the first on.
/// Blocks that nobody uses any more stay until room is needed; those that were used longest ago go
/// first, of one request the last ones first. So what is there of a content is always its
/// beginning.
///
/// Everything takes time by the extents of a content, not by its blocks.
class PrefixCache {
 public:
  explicit PrefixCache(std::uint32_t block_tokens) : block_tokens_(block_tokens) {}

  struct Found {
    std::uint32_t blocks = 0;
    std::uint32_t unused = 0;  ///< of these, by anybody
  };
  /// What is there of the first `most` blocks of a content, from the first on without a gap.
  Found find(const Content& content, std::uint32_t most) const;
  /// The first blocks of a content, all of them there, have one user more; gives how many had none.
  std::uint32_t use(const Content& content, std::uint32_t blocks);
  /// Somebody who uses the blocks before `from` has computed those up to `to`, and uses them: where
  /// they are there already, those. Gives how many of these were in use.
  std::uint32_t add(const Content& content, std::uint32_t from, std::uint32_t to);
  /// The first blocks of a content have one user less; gives how many have none now.
  std::uint32_t leave(const Content& content, std::uint32_t blocks);

  /// Blocks that nobody uses.
  std::uint64_t unused() const { return unused_; }
  /// So many of these go. Throws BrokenInvariant where there are not so many.
  void evict(std::uint64_t blocks);

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
  /// Blocks that end in an extent, from its first on.
  struct Entry {
    std::uint32_t first = kNone;
    std::uint32_t blocks = 0;
  };
  using Entries = std::pmr::unordered_map<std::uint64_t, Entry>;

  template <class Visit>
  void visit(const Content& content, std::uint32_t from, std::uint32_t to, Visit visit) const;
  std::uint32_t new_piece(const Piece& piece);
  void split(const Entry& entry, std::uint32_t at);
  std::uint32_t use(const Entry& entry, std::uint32_t from, std::uint32_t to);
  void append(Entry& entry, std::uint64_t id, std::uint32_t blocks);
  std::uint32_t leave(const Entry& entry, std::uint32_t blocks);
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
  std::vector<std::pair<std::uint64_t, std::uint32_t>> left_;  ///< while somebody leaves
  std::vector<std::uint32_t> walked_;
};

}  // namespace cleave
