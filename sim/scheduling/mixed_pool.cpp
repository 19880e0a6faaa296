#include "sim/scheduling/ranked_pools.h"
#include "sim/scheduling/scheduler.h"

namespace cleave {

namespace {

/// The paper's scheduler: a prompt pool, a token pool, and a mixed pool between them that instances
/// of either join when their side overflows and leave when they run empty.
class MixedPool : public Scheduler {
 public:
  MixedPool(ClusterView& cluster, const SchedulerSpec& spec)
      : cluster_(cluster),
        queue_limit_(static_cast<std::int64_t>(spec.prompt_queue_limit_tokens)),
        by_tokens_(3, cluster.loads().size()),
        by_memory_(3, cluster.loads().size()) {
    for (InstanceId id = 0; id < cluster.loads().size(); ++id) enter(id, home(id));
  }

  Placement place(const Demand& demand) override {
    // Both are chosen before either moves.
    Placement chosen{prompt_instance(demand), token_instance(demand)};
    if (chosen.prompt == kNoInstance || chosen.token == kNoInstance) {
      chosen.prompt = chosen.token = least_loaded_of_all();
      return chosen;
    }
    if (by_tokens_.pool_of(chosen.prompt) == kToken) move(chosen.prompt, kMixed);
    if (by_tokens_.pool_of(chosen.token) == kPrompt) move(chosen.token, kMixed);
    return chosen;
  }

  void load_changed(InstanceId id) override {
    if (load(id).down == by_tokens_.contains(id)) {
      if (load(id).down) {
        leave(id);
      } else {
        enter(id, home(id));
      }
    }
    by_tokens_.update(id, load(id).pending_tokens);
    by_memory_.update(id, taken(id));
  }

  void instance_free(InstanceId id) override {
    if (by_tokens_.contains(id) && by_tokens_.pool_of(id) == kMixed && home(id) != kMixed) {
      move(id, home(id));
    }
  }

 private:
  enum Pool : std::size_t { kPrompt, kMixed, kToken };

  const InstanceLoad& load(InstanceId id) const { return cluster_.loads()[id]; }
  /// Memory that is not free: comparable between instances of different size.
  std::int64_t taken(InstanceId id) const {
    return load(id).reserved_tokens - static_cast<std::int64_t>(load(id).capacity_tokens);
  }
  Pool home(InstanceId id) const {
    const PoolRole role = load(id).home;
    return role == PoolRole::kPrompt ? kPrompt : role == PoolRole::kToken ? kToken : kMixed;
  }

  bool has_prompt_room(InstanceId id, const Demand& demand) const {
    return id != kNoInstance && (!cluster_.has_queue(id) ||
                                 load(id).pending_tokens + demand.prompt_tokens <= queue_limit_);
  }
  bool has_memory(InstanceId id, const Demand& demand) const {
    return id != kNoInstance && static_cast<double>(load(id).reserved_tokens + demand.kv_tokens()) <
                                    load(id).capacity_tokens;
  }

  InstanceId prompt_instance(const Demand& demand) const {
    for (const Pool pool : {kPrompt, kMixed}) {
      const InstanceId id = by_tokens_.least(pool);
      if (has_prompt_room(id, demand)) return id;
    }
    return by_tokens_.least(kToken);
  }

  InstanceId token_instance(const Demand& demand) const {
    for (const Pool pool : {kToken, kMixed}) {
      const InstanceId id = by_memory_.least(pool);
      if (has_memory(id, demand)) return id;
    }
    return by_memory_.least(kPrompt);
  }

  InstanceId least_loaded_of_all() const {
    InstanceId best = kNoInstance;
    for (const Pool pool : {kPrompt, kMixed, kToken}) {
      const InstanceId id = by_tokens_.least(pool);
      if (id == kNoInstance) continue;
      if (best == kNoInstance || load(id).pending_tokens < load(best).pending_tokens) best = id;
    }
    return best;
  }

  void enter(InstanceId id, Pool pool) {
    by_tokens_.enter(pool, id, load(id).pending_tokens);
    by_memory_.enter(pool, id, taken(id));
  }
  void leave(InstanceId id) {
    by_tokens_.leave(id);
    by_memory_.leave(id);
  }
  void move(InstanceId id, Pool pool) {
    leave(id);
    enter(id, pool);
    cluster_.moved(id, pool == kPrompt  ? PoolRole::kPrompt
                       : pool == kToken ? PoolRole::kToken
                                        : PoolRole::kMixed);
  }

  ClusterView& cluster_;
  std::int64_t queue_limit_;
  RankedPools by_tokens_;
  RankedPools by_memory_;
};

const Schedulers::Entry kEntry{
    "mixed_pool", "the paper's: prompt, token and mixed pools, machines moving between them",
    [](ClusterView& cluster, const SchedulerSpec& spec) {
      return std::make_unique<MixedPool>(cluster, spec);
    }};

}  // namespace

}  // namespace cleave
