#pragma once

#include <simgrid/s4u.hpp>
#include <vector>

#include "sim/fabric/fabric.h"

namespace cleave {

/// Transfers as SimGrid flows: they share the links they cross max-min fairly. A topology builds its
/// platform in its constructor and gives each instance a host.
class FlowFabric : public Fabric {
 public:
  explicit FlowFabric(const FabricContext& context);

  TransferId start(InstanceId from, InstanceId to, double bytes, double rate_limit_bps,
                   std::uint64_t tag) override;
  double ideal_s(InstanceId from, InstanceId to, double bytes) const override;

 protected:
  using Host = simgrid::s4u::Host;

  /// Links inside each machine that holds several instances, as hosts of `zone`, a star.
  void add_gpu_links(simgrid::s4u::NetZone* zone);

  const std::vector<Endpoint>& endpoints() const { return endpoints_; }
  std::vector<Host*> machine_hosts_;  ///< by machine

 private:
  struct Flow {
    simgrid::s4u::CommPtr comm;
    std::uint64_t tag = 0;
    InstanceId from = kNoInstance;
    InstanceId to = kNoInstance;
    double bytes = 0;
    double rate_limit_bps = 0;
  };
  struct Ends {
    Host* from;
    Host* to;
  };

  Ends ends(InstanceId from, InstanceId to) const;
  void launch(std::uint64_t id);
  void completed(const simgrid::s4u::Activity& activity);

  Engine& engine_;
  TransferListener& listener_;
  const std::vector<Endpoint>& endpoints_;
  std::vector<Ends> gpu_links_;  ///< by machine; empty where no machine holds several instances
  std::vector<Flow> flows_;
  std::vector<TransferId> free_;
};

}  // namespace cleave
