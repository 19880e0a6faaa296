#pragma once

#include <vector>

#include "sim/base/setting.h"
#include "sim/scheduling/scheduler.h"

namespace cleave {

/// What a token that a lower tier has counts for a router, beside 1 for one in GPU memory.
struct TierCredit {
  double host = 0;
  double disk = 0;
  double store = 0;

  static std::vector<Setting> settings() {
    return {{"host_credit", nullptr, "",
             "of a token in host memory, beside 1 in the prefix cache; 0.75 in dynamo_kv, 0.8 in "
             "prefix_affinity",
             in({0, 100, false})},
            {"disk_credit", nullptr, "", "of a token on disk; 0.25, 0.8", in({0, 100, false})},
            {"store_credit", nullptr, "", "of a token in the store, which all find; 0, 0.8",
             in({0, 100, false})}};
  }
  /// Where the section says nothing, as these.
  TierCredit read(JsonReader& section) const {
    const std::vector<Setting> all = settings();
    const auto credit = [&](std::size_t i, double otherwise) {
      return all[i].optional_number(section).value_or(otherwise);
    };
    return {credit(0, host), credit(1, disk), credit(2, store)};
  }
  /// Tokens of its prompt that the instance need not compute, by what they count.
  double known(const ClusterView& cluster, InstanceId instance, const Demand& demand) const {
    const TierTokens tokens = cluster.tier_tokens(instance, demand);
    return cluster.cached_tokens(instance, demand) + host * tokens[Tier::kHost] +
           disk * tokens[Tier::kDisk] + store * tokens[Tier::kStore];
  }
};

}  // namespace cleave
