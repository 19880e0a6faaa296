#pragma once

#include "sim/machine/batch.h"
#include "sim/machine/kv_memory.h"
#include "sim/machine/run.h"
#include "sim/machine/waiting_room.h"

namespace cleave {

/// What a batching policy sees of its instance, and how it moves requests: whatever has to change
/// together in waiting room, memory and batch does.
class Selection {
 public:
  struct Parts {
    RequestTable& requests;
    WaitingRoom& waiting;
    KvMemory& memory;
    Batch& batch;
    const Run& run;
    const Clock& clock;
  };
  explicit Selection(const Parts& parts) : parts_(parts) {}

  const WaitingRoom& waiting() const { return parts_.waiting; }
  const Batch& batch() const { return parts_.batch; }
  const RequestState& state(RequestId request) const { return parts_.requests[request]; }

  /// KV tokens that the request takes where it is chosen; 0 for one put aside.
  std::uint32_t kv_to_start(RequestId request) const;
  /// Whether so many can be held beside what the batch holds and the run under way will take.
  bool fits(std::uint32_t kv_tokens) const;
  bool room_to_grow() const { return parts_.memory.room_to_grow(parts_.batch.decodes()); }
  std::uint64_t iterations_of_room() const {
    return parts_.memory.iterations_left(parts_.batch.decodes());
  }

  /// From the waiting room into the batch, with its memory: a prompt whole, or a sequence.
  void take(RequestId request);
  /// Out of the batch, its KV cache still held.
  void put_aside(RequestId request);
  /// Out of the batch, or of those aside; its KV cache is lost and has to be computed again.
  void drop(RequestId request);
  /// The choice is made.
  void close();

 private:
  Parts parts_;
};

}  // namespace cleave
