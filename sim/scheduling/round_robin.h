#pragma once

#include <vector>

#include "sim/scheduling/scheduler.h"

namespace cleave {

/// One instance after another, in the order of the scenario. With `split`, prompts take turns in
/// the prompt pool and token phases in the token pool; else both phases run on one instance.
class RoundRobin : public Scheduler {
 public:
  RoundRobin(ClusterView& cluster, bool split);
  Placement place(const Demand& demand) override;

 private:
  struct Ring {
    std::vector<InstanceId> instances;
    std::size_t next = 0;
  };
  /// The next that is up and can hold so much, or kNoInstance.
  InstanceId turn(Ring& ring, std::int64_t kv_tokens);

  ClusterView& cluster_;
  bool split_;
  Ring first_;
  Ring token_;
};

}  // namespace cleave
