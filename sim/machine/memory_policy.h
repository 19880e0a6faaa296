#pragma once

#include <cstdint>

#include "sim/base/registry.h"
#include "sim/machine/kv_growth.h"

namespace cleave {

/// How much KV memory a sequence holds on its instance beside its prompt. Scenario:
/// `batching.memory`. An implementation knows no instance and keeps nothing: the same question has
/// the same answer at any time.
class MemoryPolicy {
 public:
  virtual ~MemoryPolicy() = default;
  /// KV tokens to reserve when a prompt of so many starts on the instance where `later` tokens
  /// follow the one it gives.
  virtual std::uint32_t to_start_prompt(std::uint32_t tokens, std::uint32_t later) const = 0;
  /// KV tokens to reserve when a token phase with `remaining` tokens to generate first runs.
  virtual std::uint32_t to_start_sequence(std::uint32_t /*remaining*/) const { return 0; }
  /// KV tokens to reserve for the cache of such a prompt that comes by a transfer.
  virtual std::uint32_t to_receive(std::uint32_t tokens, std::uint32_t later) const {
    return to_start_prompt(tokens, later);
  }
  /// How what runs takes more.
  virtual KvGrowth growth() const = 0;
  /// Whether sequences that hold memory can wait for one another's for ever: the cluster then lets
  /// one begin again.
  virtual bool can_deadlock() const { return false; }
};
using MemoryPolicies = Registry<MemoryPolicy>;

}  // namespace cleave
