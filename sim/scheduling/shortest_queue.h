#pragma once

#include "sim/scheduling/ranked_pools.h"
#include "sim/scheduling/scheduler.h"

namespace cleave {

/// Join the shortest queue, by a figure of load. With `split`, prompts go to the prompt pool and
/// token phases to the token pool, each by its own figure; else both phases run on one instance.
class ShortestQueue : public Scheduler {
 public:
  using Measure = std::int64_t (*)(const InstanceLoad&);
  struct Rule {
    Measure prompt;
    Measure token;  ///< nullptr: both phases on one instance, chosen by `prompt`
    double transfer_speedup = 1;
  };

  ShortestQueue(ClusterView& cluster, Rule rule);
  Placement place(const Demand& demand) override;
  void load_changed(InstanceId id) override;
  double transfer_speedup() const override { return rule_.transfer_speedup; }

 private:
  enum Pool : std::size_t { kFirst, kToken };
  Pool pool_of(InstanceId id) const;
  double measure(InstanceId id) const;

  ClusterView& cluster_;
  Rule rule_;
  RankedPools pools_;
};

inline std::int64_t pending_tokens(const InstanceLoad& load) { return load.pending_tokens; }
inline std::int64_t requests_there(const InstanceLoad& load) { return load.requests; }

}  // namespace cleave
