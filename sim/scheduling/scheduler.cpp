#include "sim/scheduling/scheduler.h"

namespace cleave {

namespace {

struct NoCluster : ClusterView {
  const std::vector<InstanceLoad>& loads() const override { return none; }
  bool has_queue(InstanceId) const override { return false; }
  void moved(InstanceId, PoolRole) override {}
  std::vector<InstanceLoad> none;
};

}  // namespace

void check_settings(const std::string& policy, JsonReader& scheduler) {
  NoCluster cluster;
  Schedulers::make("scheduler.policy", "scheduler", policy, cluster, scheduler);
}

}  // namespace cleave
