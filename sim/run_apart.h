#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/channel.h"
#include "sim/cluster_run.h"

namespace cleave {

/// A run in another process, which does serve_run() at the other end of `socket`. What the observer
/// hears it hears here, while the run is under way. That process ends with this.
class RunApart : public ClusterRun, private ClusterView {
 public:
  RunApart(int socket, const Scenario& scenario, Observer& observer);

  bool run_until(double time_s) override;
  RunTotals run() override;
  double now() const override { return now_s_; }
  const ClusterView& cluster() const override { return *this; }

 private:
  std::span<const InstanceLoad> loads() const override { return loads_; }
  bool has_queue(InstanceId instance) const override { return queues_[instance] != 0; }
  void moved(InstanceId instance, PoolRole pool) override;

  void listen();
  void look();

  Channel channel_;
  Observer& observer_;
  double now_s_ = 0;
  std::vector<InstanceLoad> loads_;
  std::vector<std::uint8_t> queues_;  ///< by instance: has_queue()
};

/// The other end.
void serve_run(int socket) noexcept;

}  // namespace cleave
