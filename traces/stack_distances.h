#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "sim/base/fenwick_tree.h"
#include "traces/request.h"

namespace cleave {

/// What prompts find in a prefix cache of any size, from one pass over the requests: for each block
/// of a prompt its stack distance, which is the least size, in blocks, of a cache that still has it
/// (Mattson, Gecsei, Slutz and Traiger, IBM Systems Journal 9(2), 1970).
///
/// The cache is that of one instance (sim/machine/prefix_cache.h) that serves one request after the
/// other: whole blocks of what is computed, prompt and all of the output but its last token; those
/// used longest ago go first, of one request the last ones first. The last token of a prompt is
/// always computed, so that the block that ends with it is used but never found.
///
/// Of a request's blocks, later ones take some from the first on; those that it used last are the
/// others. So it is enough to count them, and a request takes time by its extents, times the
/// logarithm of the requests so far, whatever the size of blocks.
class StackDistances {
 public:
  explicit StackDistances(std::uint32_t block_tokens) : block_tokens_(block_tokens) {}

  /// The requests in the order in which they are served.
  void add(const Request& request);

  /// Blocks of prompts that a cache of so many blocks had.
  std::uint64_t hits(std::uint64_t blocks) const;
  /// The least size, in blocks, that is as good as any larger one.
  std::uint64_t enough_blocks() const;
  /// All that were ever put in.
  std::uint64_t distinct_blocks() const { return static_cast<std::uint64_t>(in_use_of_.total()); }

 private:
  /// Blocks of an extent, up to the block `end` of a request, that the same request used last.
  struct Piece {
    std::uint32_t end = 0;
    std::uint32_t request = 0;
  };
  using Pieces = std::vector<Piece>;  ///< the last ones first

  void use(Pieces& pieces, std::uint32_t from, std::uint32_t to, std::uint32_t findable);
  void count(std::int64_t from, std::int64_t to);

  std::uint32_t block_tokens_;
  std::unordered_map<std::uint64_t, Pieces> extents_;
  FenwickTree in_use_of_;  ///< blocks that nobody used after the request, by request
  /// By how much more blocks have this distance than have the one before.
  std::map<std::int64_t, std::int64_t> steps_;
};

}  // namespace cleave
