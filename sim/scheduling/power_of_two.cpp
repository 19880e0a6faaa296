#include <algorithm>
#include <vector>

#include "sim/base/random.h"
#include "sim/scheduling/scheduler.h"

namespace cleave {

namespace {

const Setting kCandidates{"candidates", 2, "instances",
                          "drawn at random for each phase; the least loaded of them is taken",
                          whole(1, 1000)};
const Setting kSeed{"seed", 1, "", "of the draws", whole(0, 1'000'000'000)};

/// The power of two choices: of a few instances drawn at random, the least loaded. Prompts go by
/// pending tokens, token phases by the share of memory taken; where there is no token pool, both
/// phases stay together.
class PowerOfTwo : public Scheduler {
 public:
  PowerOfTwo(ClusterView& cluster, std::size_t candidates, std::uint64_t seed)
      : loads_(cluster.loads()), candidates_(candidates), random_(seed, 0) {
    for (InstanceId id = 0; id < cluster.loads().size(); ++id) {
      (load(id).home == PoolRole::kToken ? token_ : first_).push_back(id);
    }
  }

  Placement place(const Demand& demand) override {
    const std::int64_t whole = demand.most_kv_tokens();
    if (!first_.empty() && !token_.empty()) {
      const Placement apart{draw(first_, demand.prompt_kv_tokens(), pending),
                            draw(token_, whole, taken)};
      if (apart.prompt != kNoInstance && apart.token != kNoInstance) return apart;
    }
    // Where one pool has nothing for it, the other takes both phases.
    InstanceId both = draw(first_, whole, pending);
    if (both == kNoInstance) both = draw(token_, whole, pending);
    return {both, both};
  }

  void home_changed(InstanceId id) override {
    for (std::vector<InstanceId>* pool : {&first_, &token_}) {
      pool->erase(std::remove(pool->begin(), pool->end(), id), pool->end());
    }
    (load(id).home == PoolRole::kToken ? token_ : first_).push_back(id);
  }

 private:
  using Measure = double (*)(const InstanceLoad&);
  static double pending(const InstanceLoad& load) {
    return static_cast<double>(load.pending_tokens);
  }
  static double taken(const InstanceLoad& load) {
    return static_cast<double>(load.reserved_tokens) / static_cast<double>(load.capacity_tokens);
  }
  const InstanceLoad& load(InstanceId id) const { return loads_[id]; }

  /// Draws without putting back, until so many are up and can hold so much or none is left.
  InstanceId draw(std::vector<InstanceId>& pool, std::int64_t kv_tokens, Measure measure) {
    InstanceId best = kNoInstance;
    std::size_t found = 0;
    for (std::size_t drawn = 0; drawn < pool.size() && found < candidates_; ++drawn) {
      std::swap(pool[drawn], pool[drawn + random_.below(pool.size() - drawn)]);
      const InstanceId id = pool[drawn];
      if (!load(id).up() || load(id).capacity_tokens < kv_tokens) continue;
      ++found;
      if (best == kNoInstance || measure(load(id)) < measure(load(best))) best = id;
    }
    return best;
  }

  std::span<const InstanceLoad> loads_;
  std::size_t candidates_;
  Random random_;
  std::vector<InstanceId> first_;  ///< prompt and mixed instances, in the order of earlier draws
  std::vector<InstanceId> token_;
};

const Schedulers::Entry kEntry{"power_of_two",
                               "of two instances drawn at random the less loaded",
                               {kCandidates, kSeed},
                               [](JsonReader& section) {
                                 const auto candidates = kCandidates.count(section);
                                 const auto seed = kSeed.count(section);
                                 return [=](ClusterView& cluster) {
                                   return std::make_unique<PowerOfTwo>(cluster, candidates, seed);
                                 };
                               }};

}  // namespace

}  // namespace cleave
