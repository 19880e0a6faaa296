#pragma once

#include <algorithm>
#include <vector>

#include "sim/scheduling/local_prefill.h"
#include "sim/scheduling/scheduler.h"

namespace cleave {

/// Instances to choose from one by one, as routers do that look into prefix caches: those that take
/// prompts (mixed ones, too), and those of token pools.
class PoolChoice {
 public:
  PoolChoice(const ClusterView& cluster, const LocalPrefill& local)
      : cluster_(cluster), local_(local) {
    for (InstanceId id = 0; id < cluster.loads().size(); ++id) {
      (cluster.loads()[id].home == PoolRole::kToken ? token_ : first_).push_back(id);
    }
  }

  void home_changed(InstanceId id) {
    for (std::vector<InstanceId>* pool : {&first_, &token_}) {
      pool->erase(std::remove(pool->begin(), pool->end(), id), pool->end());
    }
    (cluster_.loads()[id].home == PoolRole::kToken ? token_ : first_).push_back(id);
  }

  bool keeps_phases_apart() const { return local_.never(); }

  /// `choose(instances, kv_tokens, phases)` gives one of the instances that is up and can hold so
  /// much, or kNoInstance.
  enum class Phases : std::uint8_t { kBoth, kPrompt, kToken };
  template <class Choose>
  Placement place(const Demand& demand, Choose choose) const {
    const std::int64_t whole = demand.most_kv_tokens();
    if (!first_.empty() && !token_.empty()) {
      const InstanceId token = choose(token_, whole, Phases::kToken);
      const Placement apart{choose(first_, demand.prompt_kv_tokens(), Phases::kPrompt), token};
      if (apart.prompt != kNoInstance && token != kNoInstance) {
        return local_.wanted(cluster_, demand, apart) ? Placement{token, token} : apart;
      }
    }
    // Where one pool has nothing for it, the other takes both phases.
    InstanceId both = choose(first_, whole, Phases::kBoth);
    if (both == kNoInstance) both = choose(token_, whole, Phases::kBoth);
    return {both, both};
  }

  bool can_take(InstanceId id, std::int64_t kv_tokens) const {
    const InstanceLoad& load = cluster_.loads()[id];
    return load.up() && load.capacity_tokens >= kv_tokens;
  }

 private:
  const ClusterView& cluster_;
  LocalPrefill local_;
  std::vector<InstanceId> first_;
  std::vector<InstanceId> token_;
};

}  // namespace cleave
