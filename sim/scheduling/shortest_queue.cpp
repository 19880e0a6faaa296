#include "sim/scheduling/shortest_queue.h"

namespace cleave {

ShortestQueue::ShortestQueue(ClusterView& cluster, Rule rule)
    : cluster_(cluster), rule_(rule), pools_(2, cluster.loads()) {
  for (InstanceId id = 0; id < cluster.loads().size(); ++id) {
    pools_.enter(pool_of(id), id, measure(id));
  }
}

ShortestQueue::Pool ShortestQueue::pool_of(InstanceId id) const {
  return rule_.token != nullptr && cluster_.loads()[id].home == PoolRole::kToken ? kToken : kFirst;
}

double ShortestQueue::measure(InstanceId id) const {
  const Measure by = pool_of(id) == kToken ? rule_.token : rule_.prompt;
  return static_cast<double>(by(cluster_.loads()[id]));
}

Placement ShortestQueue::place(const Demand& demand) {
  if (rule_.token != nullptr) {
    const Placement apart{pools_.least(kFirst, demand.prompt_kv_tokens()),
                          pools_.least(kToken, demand.most_kv_tokens())};
    if (apart.prompt != kNoInstance && apart.token != kNoInstance) return apart;
  }
  // Where one pool has nothing for it, the other takes both phases.
  InstanceId both = pools_.least(kFirst, demand.most_kv_tokens());
  if (both == kNoInstance) both = pools_.least(kToken, demand.most_kv_tokens());
  return {both, both};
}

void ShortestQueue::load_changed(InstanceId id) {
  const bool down = cluster_.loads()[id].down;
  if (down && pools_.contains(id)) pools_.leave(id);
  if (!down && !pools_.contains(id)) pools_.enter(pool_of(id), id, measure(id));
  pools_.update(id, measure(id));
}

}  // namespace cleave
