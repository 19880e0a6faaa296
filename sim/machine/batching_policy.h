#pragma once

#include <cstdint>
#include <limits>
#include <memory>

#include "models/catalogue/hardware.h"
#include "sim/base/registry.h"
#include "sim/machine/selection.h"

namespace cleave {

/// What an iteration takes at most.
struct BatchLimits {
  static constexpr std::uint32_t kAny = std::numeric_limits<std::uint32_t>::max();

  std::uint32_t max_tokens = 0;      ///< that an iteration computes, unless a prompt runs alone
  std::uint32_t max_sequences = 0;   ///< in progress
  std::uint32_t longest_prompt = 0;  ///< that does not run alone
};

/// KV memory as an engine keeps it, where the scenario says nothing else.
struct KvDefaults {
  double memory_fraction = 0.9;  ///< of a GPU's memory, for all that the engine keeps there
  double watermark = 0.01;       ///< of the KV memory, left free by what starts beside others
  std::uint32_t block_tokens = 16;
};

/// What there is beside KV caches on each of the GPUs of an instance, bytes.
struct GpuUse {
  /// Of a GPU's memory the driver keeps so much: PyTorch sees 23.5 of the 24 GiB of an RTX 4090,
  /// and 79.2 to 79.6 of the 80 of an H100.
  static constexpr double kDriver = 0.5 * 1024 * 1024 * 1024;
  double seen() const { return memory - kDriver; }

  double memory = 0;    ///< that it has
  double fraction = 0;  ///< of it that may be used; 0: as the engine chooses
  double weights = 0;
  double activations = 0;  ///< of a token that is computed
  double logits = 0;       ///< of a sequence that gets a token
  std::uint32_t gpus = 1;  ///< of the instance
  /// Of GPUs that compute tokens and sequences of their own: each its part of the policy's limits.
  std::uint32_t groups = 1;
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
  /// Selection::close(). A batch in which nothing is computed leaves the instance idle; what is
  /// computed in the next iteration must have room.
  virtual void fill(Selection& selection) = 0;
  /// Iterations that the batch runs unless something happens: no more than until a chunk or a
  /// sequence ends, and than there is room for.
  virtual std::uint64_t until_change(const Selection& selection) const = 0;
  /// Whether a run under way should end with its iteration, or an idle instance look for work,
  /// because of `task` (kArrival only) or of room.
  virtual bool wants_change(const Selection& selection, Cause cause, TaskId task) const = 0;

  /// Whether a prompt that is complete goes on as a sequence in its place, or waits to be chosen.
  virtual bool prompts_stay() const = 0;
  /// Whether a sequence that is complete is in one iteration more, because that was prepared
  /// before its last token was known.
  virtual bool lingers() const { return false; }
  /// The engine's own memory, in blocks; null where `batching.memory` decides.
  virtual std::unique_ptr<MemoryPolicy> memory(const KvBlocks& /*blocks*/) const { return nullptr; }
  virtual KvDefaults kv_defaults() const { return {}; }
  /// Bytes for KV caches on each GPU of an instance.
  virtual double kv_bytes(const GpuUse& use) const {
    return use.memory * use.fraction - use.weights;
  }
  /// Whether prompts wait by priority, then arrival, not in line.
  virtual bool by_priority() const { return false; }
  /// The ways of the published simulator, its deadlocks included: one queue for prompts and
  /// sequences.
  virtual bool as_published() const { return false; }
};
/// What it runs on: engines choose their limits by the GPU, and have them for each group.
struct BatchingSite {
  Gpu gpu;
  std::uint32_t groups = 1;  ///< data-parallel
};
using BatchingPolicies = Registry<BatchingPolicy, const BatchingSite&>;

}  // namespace cleave
