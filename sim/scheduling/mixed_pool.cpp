#include "sim/scheduling/ranked_pools.h"
#include "sim/scheduling/scheduler.h"
#include "sim/scheduling/tier_credit.h"

namespace cleave {

namespace {

const Setting kQueueLimit{"prompt_queue_limit_tokens", 8192, "tokens",
                          "a prompt machine with a queue and more than these pending is full",
                          in(kNonNegative)};
const Setting kMemoryRank{"memory_rank", "share", "",
                          "token machines by the share of their memory taken, or by tokens",
                          one_of({"share", "tokens"})};

const Setting kCredit{"prefix_credit", 0.0, "",
                      "prompts go where most is cached: of the tokens found in a prefix cache, so "
                      "much counts as not pending; 0: nobody looks",
                      in({0, 100, false})};

constexpr TierCredit kAllTiers{1, 1, 1};

/// The paper's scheduler: a prompt pool, a token pool, and a mixed pool between them that instances
/// of either join when their side overflows and leave when they run empty.
class MixedPool : public Scheduler {
 public:
  struct Settings {
    std::int64_t queue_limit_tokens = 0;
    bool rank_by_share = true;
    double prefix_credit = 0;
  };

  MixedPool(ClusterView& cluster, Settings settings)
      : cluster_(cluster),
        loads_(cluster.loads()),
        settings_(settings),
        by_tokens_(3, cluster.loads()),
        by_memory_(3, cluster.loads()) {
    for (InstanceId id = 0; id < cluster.loads().size(); ++id) enter(id, home(id));
  }

  Placement place(const Demand& demand) override {
    // Both are chosen before either moves, and a move stays made where the other was not found.
    const Placement chosen{prompt_instance(demand), token_instance(demand)};
    lend(chosen.prompt, kToken);
    lend(chosen.token, kPrompt);
    if (chosen.prompt != kNoInstance && chosen.token != kNoInstance) return chosen;
    const InstanceId both = least_loaded_of_all(demand.most_kv_tokens());
    return {both, both};
  }

  void load_changed(InstanceId id) override {
    if (load(id).up() != by_tokens_.contains(id)) {
      if (load(id).up()) {
        enter(id, home(id));
      } else {
        leave(id);
      }
    }
    by_tokens_.update(id, pending(id));
    by_memory_.update(id, taken(id));
  }

  void home_changed(InstanceId id) override {
    if (!by_tokens_.contains(id)) return;
    leave(id);
    enter(id, home(id));
  }

  void instance_free(InstanceId id) override {
    if (by_tokens_.contains(id) && by_tokens_.pool_of(id) == kMixed && home(id) != kMixed) {
      move(id, home(id));
    }
  }

 private:
  enum Pool : std::size_t { kPrompt, kMixed, kToken };

  const InstanceLoad& load(InstanceId id) const { return loads_[id]; }
  double pending(InstanceId id) const { return static_cast<double>(load(id).pending_tokens); }
  /// Memory spoken for: as a share, instances of different size fill up alike.
  double taken(InstanceId id) const {
    const auto reserved = static_cast<double>(load(id).reserved_tokens);
    return settings_.rank_by_share ? reserved / static_cast<double>(load(id).capacity_tokens)
                                   : reserved;
  }
  Pool home(InstanceId id) const {
    const PoolRole role = load(id).home;
    return role == PoolRole::kPrompt ? kPrompt : role == PoolRole::kToken ? kToken : kMixed;
  }

  bool has_prompt_room(InstanceId id, const Demand& demand) const {
    return id != kNoInstance &&
           (!cluster_.has_queue(id) ||
            load(id).pending_tokens + demand.prompt_tokens <= settings_.queue_limit_tokens);
  }
  bool has_memory(InstanceId id, const Demand& demand) const {
    return id != kNoInstance &&
           load(id).reserved_tokens + demand.kv_tokens() <= load(id).capacity_tokens;
  }

  InstanceId prompt_instance(const Demand& demand) {
    for (const Pool pool : {kPrompt, kMixed}) {
      const InstanceId id = settings_.prefix_credit > 0
                                ? least_to_compute(pool, demand)
                                : by_tokens_.least(pool, demand.prompt_kv_tokens());
      if (has_prompt_room(id, demand)) return id;
    }
    return by_tokens_.least(kToken, demand.prompt_kv_tokens());
  }

  InstanceId least_to_compute(Pool pool, const Demand& demand) const {
    InstanceId best = kNoInstance;
    double least = 0;
    for (InstanceId id = 0; id < loads_.size(); ++id) {
      if (!by_tokens_.contains(id) || by_tokens_.pool_of(id) != pool) continue;
      if (load(id).capacity_tokens < demand.prompt_kv_tokens()) continue;
      const double left =
          pending(id) - settings_.prefix_credit * kAllTiers.known(cluster_, id, demand);
      if (best != kNoInstance && left >= least) continue;
      best = id;
      least = left;
    }
    return best;
  }

  InstanceId token_instance(const Demand& demand) {
    for (const Pool pool : {kToken, kMixed}) {
      const InstanceId id = by_memory_.least(pool, demand.most_kv_tokens());
      if (has_memory(id, demand)) return id;
    }
    return by_memory_.least(kPrompt, demand.most_kv_tokens());
  }

  InstanceId least_loaded_of_all(std::int64_t kv_tokens) {
    InstanceId best = kNoInstance;
    for (const Pool pool : {kPrompt, kMixed, kToken}) {
      const InstanceId id = by_tokens_.least(pool, kv_tokens);
      if (id == kNoInstance) continue;
      if (best == kNoInstance || load(id).pending_tokens < load(best).pending_tokens) best = id;
    }
    return best;
  }

  void enter(InstanceId id, Pool pool) {
    by_tokens_.enter(pool, id, pending(id));
    by_memory_.enter(pool, id, taken(id));
  }
  void leave(InstanceId id) {
    by_tokens_.leave(id);
    by_memory_.leave(id);
  }
  /// Moves an instance that was found in the other side's pool to the mixed pool.
  void lend(InstanceId id, Pool other_side) {
    if (id != kNoInstance && by_tokens_.pool_of(id) == other_side) move(id, kMixed);
  }
  void move(InstanceId id, Pool pool) {
    leave(id);
    enter(id, pool);
    cluster_.moved(id, pool == kPrompt  ? PoolRole::kPrompt
                       : pool == kToken ? PoolRole::kToken
                                        : PoolRole::kMixed);
  }

  ClusterView& cluster_;
  std::span<const InstanceLoad> loads_;
  Settings settings_;
  RankedPools by_tokens_;
  RankedPools by_memory_;
};

const Schedulers::Entry kEntry{
    "mixed_pool",
    "the paper's: prompt, token and mixed pools, machines moving between them",
    {kQueueLimit, kMemoryRank, kCredit},
    [](JsonReader& section) {
      const MixedPool::Settings settings{static_cast<std::int64_t>(kQueueLimit.number(section)),
                                         kMemoryRank.choice(section) == "share",
                                         kCredit.number(section)};
      return [settings](ClusterView& cluster) {
        return std::make_unique<MixedPool>(cluster, settings);
      };
    }};

}  // namespace

}  // namespace cleave
