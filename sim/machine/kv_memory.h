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
  /// Sequences of a batch that take memory with each token, and how many iterations of a run under
  /// way have begun that are not held yet.
  struct Growing {
    std::uint32_t sequences = 0;
    std::uint64_t iterations = 0;
  };

  KvMemory(InstanceId instance, const KvMemoryKind& kind, const Clock& clock, Observer& observer);

  std::int64_t capacity() const { return kind_->capacity_tokens; }
  std::int64_t held() const { return held_tokens_; }

  void hold(std::uint32_t tokens);
  /// Throws BrokenInvariant where more is released than is held.
  void release(std::uint32_t tokens);
  /// The batch generated so many tokens. Throws BrokenInvariant where they do not fit.
  void grow(std::uint64_t tokens);

  /// Whether `tokens` can be held beside what grows: their next tokens and, where anything is held,
  /// the watermark stay free.
  bool fits(std::int64_t tokens, Growing growing) const;
  /// Whether the next token of each of so many sequences has room.
  bool room_to_grow(std::uint32_t sequences) const {
    return held_tokens_ + growth(sequences) <= capacity();
  }
  /// Iterations for which so many sequences have room.
  std::uint64_t iterations_left(std::uint32_t sequences) const;

  /// KV tokens that a request takes to run its next task here: a prompt, whose token phase may
  /// follow here, or a token phase.
  std::uint32_t to_start(const RequestState& request) const;
  /// KV tokens to hold for a request whose cache arrives by a transfer.
  std::uint32_t to_receive(const RequestState& request) const;
  std::uint32_t growth_per_token() const { return growth_per_token_; }

 private:
  std::int64_t growth(std::uint32_t sequences) const {
    return static_cast<std::int64_t>(growth_per_token_) * sequences;
  }
  void report();

  InstanceId instance_;
  const KvMemoryKind* kind_;
  const Clock* clock_;
  Observer* observer_;
  std::uint32_t growth_per_token_;
  std::int64_t held_tokens_ = 0;
};

}  // namespace cleave
