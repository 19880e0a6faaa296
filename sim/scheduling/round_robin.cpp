#include "sim/scheduling/round_robin.h"

namespace cleave {

RoundRobin::RoundRobin(ClusterView& cluster, bool split) : cluster_(cluster), split_(split) {
  for (InstanceId id = 0; id < cluster.loads().size(); ++id) {
    const bool token = split && cluster.loads()[id].home == PoolRole::kToken;
    (token ? token_ : first_).instances.push_back(id);
  }
}

InstanceId RoundRobin::turn(Ring& ring) {
  for (std::size_t tried = 0; tried < ring.instances.size(); ++tried) {
    const InstanceId id = ring.instances[ring.next];
    ring.next = (ring.next + 1) % ring.instances.size();
    if (!cluster_.loads()[id].down) return id;
  }
  return kNoInstance;
}

Placement RoundRobin::place(const Demand&) {
  const InstanceId first = turn(first_);
  if (!split_) return {first, first};
  const InstanceId token = turn(token_);
  if (first == kNoInstance) return {token, token};
  return {first, token == kNoInstance ? first : token};
}

namespace {

const Schedulers::Entry kBoth{"round_robin", "both phases on one instance, each in turn",
                              [](ClusterView& cluster, const SchedulerSpec&) {
                                return std::make_unique<RoundRobin>(cluster, false);
                              }};
const Schedulers::Entry kSplit{"kv_round_robin", "prompt and token pool, each in turn",
                               [](ClusterView& cluster, const SchedulerSpec&) {
                                 return std::make_unique<RoundRobin>(cluster, true);
                               }};

}  // namespace

}  // namespace cleave
