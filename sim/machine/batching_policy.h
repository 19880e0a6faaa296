#pragma once

#include <cstdint>

#include "sim/base/registry.h"
#include "sim/machine/selection.h"

namespace cleave {

/// What an iteration takes at most.
struct BatchLimits {
  std::uint32_t max_tokens = 0;  ///< a longer prompt runs alone
  std::uint32_t max_sequences = 0;
};

/// Why an instance looks whether somebody else should run.
enum class Cause : std::uint8_t {
  kArrival,  ///< a task came in
  kRoom,     ///< memory was freed, or no transfer waits for it any more
  kSent,     ///< a transfer out of here ended
};

/// Who runs next on an instance, and for how long. Scenario: `batching.policy`. One for each
/// instance. An implementation must run what it can whenever fill() is called, must hold no more
/// memory than fits, and must not keep waiting for ever what could run alone. It moves requests by
/// the selection's verbs only and never calls the instance or the cluster.
class BatchingPolicy {
 public:
  virtual ~BatchingPolicy() = default;
  virtual BatchLimits limits() const = 0;

  /// At the end of a run: changes the batch for the next one, by one or more choices, each ended by
  /// Selection::close(). An empty batch leaves the instance idle; the next token of each sequence
  /// in it must have room.
  virtual void fill(Selection& selection) = 0;
  /// Iterations that the batch runs unless something happens: no more than until a chunk or a
  /// sequence ends, and than there is room for.
  virtual std::uint64_t until_change(const Selection& selection) const = 0;
  /// Whether a run under way should end with its iteration, or an idle instance look for work,
  /// because of `task` (kArrival only) or of room.
  virtual bool wants_change(const Selection& selection, Cause cause, TaskId task) const = 0;

  /// The ways of the published simulator, its deadlocks included: one queue for prompts and
  /// sequences.
  virtual bool as_published() const { return false; }
};
using BatchingPolicies = Registry<BatchingPolicy>;

}  // namespace cleave
