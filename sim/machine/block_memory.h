#pragma once

#include "sim/machine/memory_policy.h"

namespace cleave {

/// Blocks as today's engines keep them: of what is computed, none beforehand.
class BlockMemory : public MemoryPolicy {
 public:
  explicit BlockMemory(const KvBlocks& blocks) : growth_{KvGrowth::Kind::kBlocks, blocks} {}

  std::uint32_t to_start_prompt(std::uint32_t, std::uint32_t) const override { return 0; }
  std::uint32_t to_receive(std::uint32_t tokens, std::uint32_t) const override {
    return growth_.rounded(tokens);
  }
  KvGrowth growth() const override { return growth_; }

 private:
  KvGrowth growth_;
};

/// Blocks for prompt and whole output, from the start to the end.
class ReservedBlocks : public MemoryPolicy {
 public:
  explicit ReservedBlocks(const KvBlocks& blocks) : growth_{KvGrowth::Kind::kNone, blocks} {}

  std::uint32_t to_start_prompt(std::uint32_t tokens, std::uint32_t later) const override {
    return growth_.rounded(tokens + 1 + later);
  }
  KvGrowth growth() const override { return growth_; }

 private:
  KvGrowth growth_;
};

}  // namespace cleave
