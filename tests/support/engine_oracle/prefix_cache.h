#pragma once

// The prefix caches of docs/engines.md, block by block: a tree of blocks, each with its tokens.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace cleave::oracle {

using Token = std::uint64_t;
using Tokens = std::vector<Token>;

class PrefixCache {
 public:
  explicit PrefixCache(std::uint32_t block_tokens) : block_(block_tokens) {}
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  struct Block {
    Block* before = nullptr;
    Tokens tokens;
    std::uint32_t users = 0;
    std::uint64_t left = 0;  // when the last user left
    std::map<Tokens, std::unique_ptr<Block>> behind;
  };

  /// The blocks that tokens begin with, `most` at most, as far as they are there.
  std::vector<Block*> find(const Tokens& tokens, std::size_t most) {
    std::vector<Block*> found;
    Block* at = &root_;
    while (found.size() < most) {
      const auto next = at->behind.find(block_of(tokens, found.size()));
      if (next == at->behind.end()) break;
      at = next->second.get();
      found.push_back(at);
    }
    return found;
  }

  /// Whether nobody used it.
  bool use(Block* block) {
    if (block->users++ > 0) return false;
    unused_.erase({block->left, block});
    return true;
  }

  /// The block behind `before` (null: the first), which is put in where it is not there. The
  /// second: whether it was there.
  std::pair<Block*, bool> put(Block* before, const Tokens& tokens, std::size_t number) {
    Block* parent = before == nullptr ? &root_ : before;
    std::unique_ptr<Block>& place = parent->behind[block_of(tokens, number)];
    if (place) return {place.get(), true};
    place = std::make_unique<Block>();
    place->before = parent;
    place->tokens = block_of(tokens, number);
    return {place.get(), false};
  }

  /// Whether nobody uses it any more.
  bool leave(Block* block) {
    if (--block->users > 0) return false;
    block->left = ++clock_;
    unused_.insert({block->left, block});
    return true;
  }

  std::size_t unused() const { return unused_.size(); }
  void evict_one() {
    Block* block = unused_.begin()->second;
    if (!block->behind.empty()) throw std::runtime_error("oracle: a block before others goes");
    unused_.erase(unused_.begin());
    block->before->behind.erase(Tokens(block->tokens));
  }

 private:
  Tokens block_of(const Tokens& tokens, std::size_t number) const {
    const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(number * block_);
    return {begin, begin + block_};
  }

  std::uint32_t block_;
  Block root_;
  std::set<std::pair<std::uint64_t, Block*>> unused_;
  std::uint64_t clock_ = 0;
};

}  // namespace cleave::oracle
