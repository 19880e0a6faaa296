#include "sim/scheduling/shortest_queue.h"

namespace cleave {

ShortestQueue::ShortestQueue(ClusterView& cluster, Rule rule)
    : cluster_(cluster), rule_(rule), pools_(2, cluster.loads().size()) {
  for (InstanceId id = 0; id < cluster.loads().size(); ++id) {
    pools_.enter(pool_of(id), id, measure(id));
  }
}

ShortestQueue::Pool ShortestQueue::pool_of(InstanceId id) const {
  return rule_.token != nullptr && cluster_.loads()[id].home == PoolRole::kToken ? kToken : kFirst;
}

std::int64_t ShortestQueue::measure(InstanceId id) const {
  const Measure by = pool_of(id) == kToken ? rule_.token : rule_.prompt;
  return by(cluster_.loads()[id]);
}

Placement ShortestQueue::place(const Demand&) {
  const InstanceId first = pools_.least(kFirst);
  if (rule_.token == nullptr) return {first, first};
  const InstanceId token = pools_.least(kToken);
  // A pool that is wholly down leaves its work to the other.
  if (first == kNoInstance) return {token, token};
  return {first, token == kNoInstance ? first : token};
}

void ShortestQueue::load_changed(InstanceId id) {
  const bool down = cluster_.loads()[id].down;
  if (down && pools_.contains(id)) pools_.leave(id);
  if (!down && !pools_.contains(id)) pools_.enter(pool_of(id), id, measure(id));
  pools_.update(id, measure(id));
}

}  // namespace cleave
