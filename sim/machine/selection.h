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
  bool run_under_way() const { return parts_.run.under_way(); }

  /// What a prompt that waits finds in the prefix cache, and what is left of it to compute.
  PrefixHit hit(RequestId request) const {
    return parts_.memory.hit(state(request), parts_.requests.contents[request]);
  }
  std::uint32_t to_compute(RequestId request) const {
    return state(request).prompt_left() - hit(request).tokens;
  }
  /// KV tokens that the request takes where it is chosen, beside what it finds in the prefix cache;
  /// 0 for one put aside.
  std::uint32_t kv_to_start(RequestId request) const;
  /// Whether so many can be held beside what the batch holds and the run under way will take.
  bool fits(std::uint32_t kv_tokens) const;
  /// KV tokens that a request with so many computed holds, in whole blocks.
  std::uint32_t blocks(std::uint32_t tokens) const { return parts_.memory.blocks(tokens); }
  std::uint32_t block_tokens() const { return parts_.memory.tokens_of(1); }
  std::int64_t free() const { return parts_.memory.free(); }
  /// KV tokens that are free behind the batch's next iteration, and the run under way.
  std::int64_t room() const;
  std::int64_t watermark() const { return parts_.memory.watermark(); }
  bool room_to_grow() const { return parts_.batch.growth(1) <= parts_.memory.free(); }
  /// Iterations of the batch for which there is room, `most` at most.
  std::uint64_t iterations_of_room(std::uint64_t most) const {
    return parts_.batch.iterations_within(parts_.memory.free(), most);
  }

  /// From the waiting room into the batch, with its memory: a prompt, of which an iteration
  /// computes `chunk` tokens, or a sequence.
  void take(RequestId request, std::uint32_t chunk);
  void take(RequestId request) { take(request, state(request).prompt_left()); }
  /// Whether load() would load something.
  bool can_load(RequestId request) const {
    return parts_.memory.loadable(state(request), parts_.requests.contents[request], room()) > 0;
  }
  /// Instead, where lower tiers have more of its prompt than the prefix cache: out of the line
  /// until as much of that is here as there is room for. KV tokens that this takes; 0: nothing
  /// happened.
  std::uint32_t load(RequestId request);
  void set_chunk(RequestId request, std::uint32_t chunk) { parts_.batch.set_chunk(request, chunk); }
  void let_sequences_stand_still(bool still) { parts_.batch.let_sequences_stand_still(still); }
  /// Out of the batch, its KV cache still held.
  void put_aside(RequestId request);
  /// Out of the batch, or of those aside; its KV cache is lost and has to be computed again. It
  /// goes in front of those that wait, or behind them.
  void drop(RequestId request, WaitingRoom::End end = WaitingRoom::End::kFront);
  /// Of what a prompt finds, what nobody holds yet. While a run is under way nobody knows: its next
  /// iteration may take some of it.
  std::uint32_t room_of_hit(RequestId request) const;
  /// What the iterations that have begun take, or else the next one, goes out of the prefix cache
  /// before anybody looks there.
  void make_room();
  /// The choice is made.
  void close();

 private:
  Parts parts_;
};

}  // namespace cleave
