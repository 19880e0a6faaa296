#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/base/registry.h"
#include "sim/core/content.h"
#include "sim/core/ids.h"
#include "sim/core/status.h"
#include "sim/core/tier.h"

namespace cleave {

/// What the cluster scheduler has put on an instance and not yet seen done.
struct InstanceLoad {
  PoolRole home = PoolRole::kMixed;  ///< the side it is on, unless the scheduler moves it
  std::int64_t pending_tokens = 0;   ///< prompts to compute, and one for each token phase to end
  std::int64_t reserved_tokens = 0;  ///< KV memory of everything assigned here, weights apart
  std::int64_t capacity_tokens = 0;  ///< KV memory it has
  std::uint32_t requests = 0;        ///< with an unfinished task here
  std::uint32_t machine = 0;         ///< instances can share one
  InstanceStatus status = InstanceStatus::kUp;

  /// Whether it may be given anything.
  bool up() const { return status == InstanceStatus::kUp; }
  /// Whether what it has been given goes on.
  bool works() const { return up() || status == InstanceStatus::kDraining; }
  /// Whether anything is assigned to it that is not done.
  bool in_use() const { return requests > 0 || reserved_tokens > 0; }
};

/// What a request asks for, as far as the scheduler can know.
struct Demand {
  std::uint32_t prompt_tokens = 0;
  std::uint32_t output_tokens = 0;   ///< known or expected
  std::uint32_t output_limit = 0;    ///< no more will be generated
  std::uint32_t most_kept = 0;       ///< in memory at once, where windows drop the rest; else 0
  const Content* content = nullptr;  ///< for ClusterView::cached_tokens()
  std::uint32_t state_tokens = 0;    ///< of memory for a state of linear attention, at any length

  /// KV memory that an instance must have, filled or not, to be given the token phase (or both).
  std::int64_t most_kv_tokens() const {
    if (most_kept > 0) return most_kept;
    return static_cast<std::int64_t>(prompt_tokens) + output_limit + state_tokens;
  }
  std::int64_t prompt_kv_tokens() const {
    return static_cast<std::int64_t>(prompt_tokens) + 1 + state_tokens;
  }
  std::int64_t token_kv_tokens() const { return static_cast<std::int64_t>(output_tokens) - 1; }
  std::int64_t kv_tokens() const { return prompt_kv_tokens() + token_kv_tokens(); }
};

/// Where the two phases of a request run; both on one instance, or apart with a transfer between.
/// Both kNoInstance where nothing can take it.
struct Placement {
  InstanceId prompt = kNoInstance;
  InstanceId token = kNoInstance;
};

/// What a scheduler may see of the cluster, and the one thing it may do to it.
class ClusterView {
 public:
  virtual ~ClusterView() = default;
  /// By InstanceId; the same place for as long as the cluster lives.
  virtual std::span<const InstanceLoad> loads() const = 0;
  /// Tasks wait there that are not in its batch.
  virtual bool has_queue(InstanceId instance) const = 0;
  /// Tokens of its prompt that are in the instance's prefix cache.
  virtual std::uint32_t cached_tokens(InstanceId /*instance*/, const Demand& /*demand*/) const {
    return 0;
  }
  /// Behind these, tokens of its prompt that lower tiers have for the instance.
  virtual TierTokens tier_tokens(InstanceId /*instance*/, const Demand& /*demand*/) const {
    return {};
  }
  /// Tells who watches that the instance works for another pool from now on.
  virtual void moved(InstanceId instance, PoolRole pool) = 0;
};

/// Chooses the machines of each request when it arrives, or begins again. Scenario:
/// `scheduler.policy`. An implementation sees the cluster through ClusterView and may tell it one
/// thing, moved(); it must not keep copies of loads beyond load_changed(), and must give the same
/// for the same history: draws come from a seed of its settings. Ties go to the instance that
/// entered its pool first.
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  /// Must give instances that are up and have the memory: demand.prompt_kv_tokens() for a prompt
  /// that leaves, demand.most_kv_tokens() for the token phase. Must give some wherever one instance
  /// that is up could hold both phases, whatever its pool; else kNoInstance for both.
  virtual Placement place(const Demand& demand) = 0;
  /// A figure of this instance's load changed; its status too.
  virtual void load_changed(InstanceId /*instance*/) {}
  /// This instance is on another side from now on (InstanceLoad::home); it need not be up. For
  /// whoever remembers sides.
  virtual void home_changed(InstanceId /*instance*/) {}
  /// Nothing runs and nothing waits there; it need not be up.
  virtual void instance_free(InstanceId /*instance*/) {}
  /// Whether prompts are computed by prompt and mixed pools alone, and token phases by token pools,
  /// as long as one instance of each that is up can hold them.
  virtual bool keeps_phases_apart() const { return false; }
  /// How much faster than the fabric its transfers are, standing for overlap with the prompt phase.
  virtual double transfer_speedup() const { return 1; }
};

using Schedulers = Registry<Scheduler, ClusterView&>;

}  // namespace cleave
