#pragma once

#include <memory>
#include <utility>

#include "sim/machine/memory_policy.h"

namespace cleave {

/// As another policy, which knows no blocks, and for each sequence a state of so many tokens' size
/// from its start on.
class StateMemory : public MemoryPolicy {
 public:
  StateMemory(std::unique_ptr<MemoryPolicy> others, std::uint32_t state_tokens)
      : others_(std::move(others)), state_tokens_(state_tokens) {}

  std::uint32_t to_start_prompt(std::uint32_t tokens, std::uint32_t later) const override {
    return others_->to_start_prompt(tokens, later) + state_tokens_;
  }
  std::uint32_t to_start_sequence(std::uint32_t remaining) const override {
    return others_->to_start_sequence(remaining);
  }
  std::uint32_t to_receive(std::uint32_t tokens, std::uint32_t later) const override {
    return others_->to_receive(tokens, later) + state_tokens_;
  }
  KvGrowth growth() const override {
    KvGrowth growth = others_->growth();
    growth.blocks.state_tokens = state_tokens_;
    return growth;
  }
  bool can_deadlock() const override { return others_->can_deadlock(); }

 private:
  std::unique_ptr<MemoryPolicy> others_;
  std::uint32_t state_tokens_;
};

}  // namespace cleave
