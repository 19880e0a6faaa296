#include "sim/machine/memory_policy.h"

namespace cleave {

namespace {

/// A sequence starts only where its whole output has room too, so that none is ever in want of
/// more. Takes the output length as known.
class ReservedMemory : public MemoryPolicy {
  std::uint32_t to_start_prompt(std::uint32_t tokens, std::uint32_t later) const override {
    return tokens + 1 + later;
  }
  KvGrowth growth() const override { return {KvGrowth::Kind::kNone}; }
};

/// As the published simulator does: the prompt's when the prompt starts, the whole output's when
/// the token phase does. Sequences that hold their prompts can wait for one another's room for
/// ever.
class ReservedInPhases : public MemoryPolicy {
  std::uint32_t to_start_prompt(std::uint32_t tokens, std::uint32_t) const override {
    return tokens + 1;
  }
  std::uint32_t to_start_sequence(std::uint32_t remaining) const override { return remaining; }
  KvGrowth growth() const override { return {KvGrowth::Kind::kNone}; }
  bool can_deadlock() const override { return true; }
};

const MemoryPolicies::Entry kReserved{"reserved", "prompt and whole output are reserved at once",
                                      [] { return std::make_unique<ReservedMemory>(); }};
const MemoryPolicies::Entry kInPhases{
    "reserved_in_phases", "the prompt first, the output when its phase starts, as published",
    [] { return std::make_unique<ReservedInPhases>(); }};

}  // namespace

}  // namespace cleave
