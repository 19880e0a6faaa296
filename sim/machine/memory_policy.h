#pragma once

#include <cstdint>

#include "sim/base/registry.h"

namespace cleave {

/// How much KV memory a sequence holds on its instance beside its prompt. Scenario:
/// `batching.memory`. An implementation knows no instance and keeps nothing: the same question has
/// the same answer at any time.
class MemoryPolicy {
 public:
  virtual ~MemoryPolicy() = default;
  /// KV tokens to reserve with the prompt's, when it first takes memory on the instance where
  /// `remaining` tokens are to be generated.
  virtual std::uint32_t tokens_with_prompt(std::uint32_t remaining) const = 0;
  /// KV tokens to reserve when a token phase with `remaining` tokens to generate first runs.
  virtual std::uint32_t tokens_to_start(std::uint32_t remaining) const = 0;
  /// KV tokens by which a sequence grows with each token it generates.
  virtual std::uint32_t growth() const = 0;
  /// Whether sequences that hold memory can wait for one another's for ever: the cluster then lets
  /// one begin again.
  virtual bool can_deadlock() const { return false; }
};
using MemoryPolicies = Registry<MemoryPolicy>;

}  // namespace cleave
