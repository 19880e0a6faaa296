#pragma once

#include <algorithm>
#include <cstdint>

#include "sim/core/observer.h"
#include "sim/engine/clock.h"
#include "sim/machine/memory_policy.h"
#include "sim/machine/request_state.h"

namespace cleave {

/// What the KV memory of an instance is made of; shared by the instances of a pool.
struct KvMemoryKind {
  const MemoryPolicy* policy = nullptr;
  std::int64_t capacity_tokens = 0;
  std::int64_t watermark_tokens = 0;  ///< of these, left free by what starts beside others
  double weight_bytes = 0;            ///< in the same memory, for those who watch
  double bytes_per_token = 0;
};

/// The KV memory of one instance, in tokens: how much is held, and what still fits. Tells observers
/// of every change.
class KvMemory {
 public:
  KvMemory(InstanceId instance, const KvMemoryKind& kind, const Clock& clock, Observer& observer);

  std::int64_t capacity() const { return kind_->capacity_tokens; }
  std::int64_t held() const { return held_tokens_; }

  void hold(std::uint32_t tokens);
  /// Throws BrokenInvariant where more is released than is held.
  void release(std::uint32_t tokens);
  /// What runs has taken so many tokens. Throws BrokenInvariant where they do not fit.
  void grow(std::int64_t tokens);

  std::int64_t free() const { return capacity() - held_tokens_; }
  /// So many tokens in whole blocks.
  std::uint32_t blocks(std::uint32_t tokens) const {
    return kind_->policy->growth().rounded(tokens);
  }
  /// Left free by what starts beside others.
  std::int64_t watermark() const { return kind_->watermark_tokens; }

  /// KV tokens that a request takes to run its next task here: a prompt, whose token phase may
  /// follow here, or a token phase.
  std::uint32_t to_start(const RequestState& request) const;
  /// KV tokens to hold for a request whose cache arrives by a transfer.
  std::uint32_t to_receive(const RequestState& request) const;

 private:
  void report();

  InstanceId instance_;
  const KvMemoryKind* kind_;
  const Clock* clock_;
  Observer* observer_;
  std::int64_t held_tokens_ = 0;
};

}  // namespace cleave
