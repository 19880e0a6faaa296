#include <algorithm>
#include <vector>

#include "sim/scheduling/pool_choice.h"
#include "sim/scheduling/tier_credit.h"

namespace cleave {

namespace {

const Setting kPrefix{"prefix_weight", 2.0, "",
                      "of the share of the prompt that is in the prefix cache",
                      in({0, 1000, false})};
const Setting kQueue{"queue_weight", 1.0, "",
                     "of how few requests are there, from 0 (the most of all) to 1 (the fewest)",
                     in({0, 1000, false})};
const Setting kMemory{"kv_weight", 1.0, "", "of the share of KV memory that is not taken",
                      in({0, 1000, false})};

constexpr TierCredit kTiers{0.8, 0.8, 0.8};

std::vector<Setting> own_settings() {
  std::vector<Setting> all{kPrefix, kQueue, kMemory};
  for (const Setting& setting : TierCredit::settings()) all.push_back(setting);
  return all;
}

/// llm-d's router (docs/disaggregation.md): the instance with the highest weighted sum of scores
/// from 0 to 1. Of a split cluster the token instance is chosen first, then the prompt instance.
class PrefixAffinity : public Scheduler {
 public:
  struct Settings {
    double prefix = 2;
    double queue = 1;
    double memory = 1;
    TierCredit tiers;
    LocalPrefill local;
  };

  PrefixAffinity(ClusterView& cluster, const Settings& settings)
      : cluster_(cluster), settings_(settings), pools_(cluster, settings.local) {}

  Placement place(const Demand& demand) override {
    return pools_.place(demand,
                        [&](const std::vector<InstanceId>& instances, std::int64_t kv_tokens,
                            PoolChoice::Phases) { return best(instances, kv_tokens, demand); });
  }

  void home_changed(InstanceId id) override { pools_.home_changed(id); }
  bool keeps_phases_apart() const override { return pools_.keeps_phases_apart(); }

 private:
  InstanceId best(const std::vector<InstanceId>& instances, std::int64_t kv_tokens,
                  const Demand& demand) const {
    std::uint32_t fewest = 0xffffffffU;
    std::uint32_t most = 0;
    for (const InstanceId id : instances) {
      if (!pools_.can_take(id, kv_tokens)) continue;
      fewest = std::min(fewest, cluster_.loads()[id].requests);
      most = std::max(most, cluster_.loads()[id].requests);
    }
    InstanceId best = kNoInstance;
    double highest = 0;
    for (const InstanceId id : instances) {
      if (!pools_.can_take(id, kv_tokens)) continue;
      const InstanceLoad& load = cluster_.loads()[id];
      const double known = settings_.tiers.known(cluster_, id, demand);
      const double queue = most == fewest ? 1 : 1.0 * (most - load.requests) / (most - fewest);
      const double taken =
          static_cast<double>(load.reserved_tokens) / static_cast<double>(load.capacity_tokens);
      const double score = settings_.prefix * known / demand.prompt_tokens +
                           settings_.queue * queue + settings_.memory * std::max(0.0, 1 - taken);
      if (best != kNoInstance && score <= highest) continue;
      best = id;
      highest = score;
    }
    return best;
  }

  ClusterView& cluster_;
  Settings settings_;
  PoolChoice pools_;
};

const Schedulers::Entry kEntry{
    "prefix_affinity", "llm-d's router: the highest sum of scores for prefix, queue and KV memory",
    LocalPrefill::settings_beside(own_settings()), [](JsonReader& section) {
      PrefixAffinity::Settings settings;
      settings.prefix = kPrefix.number(section);
      settings.queue = kQueue.number(section);
      settings.memory = kMemory.number(section);
      settings.tiers = kTiers.read(section);
      settings.local = LocalPrefill::read(section);
      return [settings](ClusterView& cluster) {
        return std::make_unique<PrefixAffinity>(cluster, settings);
      };
    }};

}  // namespace

}  // namespace cleave
