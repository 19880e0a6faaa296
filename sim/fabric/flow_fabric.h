#pragma once

#include <optional>
#include <simgrid/kernel/resource/Action.hpp>
#include <simgrid/s4u.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/fabric/fabric.h"
#include "sim/fabric/link_meter.h"

namespace cleave {

/// What all topologies with links are made from.
struct FlowSettings {
  double latency_s = 0;                   ///< of each link
  std::optional<double> nic_bytes_per_s;  ///< per NIC; default: the machine's profile
  std::optional<double> nics;             ///< per machine; default: the machine's profile
};
/// These, and behind them `own` of a topology.
std::vector<Setting> flow_settings(std::vector<Setting> own = {});
FlowSettings read_flow_settings(JsonReader& section);

/// Transfers as SimGrid flows: they share the links they cross max-min fairly. A topology builds
/// its platform in its constructor, with a host for each machine.
class FlowFabric : public Fabric {
 public:
  ~FlowFabric() override;
  FlowFabric(const FlowFabric&) = delete;
  FlowFabric& operator=(const FlowFabric&) = delete;

  TransferId start(InstanceId from, InstanceId to, double bytes, double rate_limit_bytes_per_s,
                   TransferListener& listener, std::uint64_t tag) override;
  void cancel(TransferId transfer) override;
  double ideal_s(InstanceId from, InstanceId to, double bytes) const override;
  bool scale_link(const std::string& name, double share) override;
  std::vector<LinkUse> link_use() const override;

 protected:
  using Host = simgrid::s4u::Host;
  using Link = simgrid::s4u::Link;

  FlowFabric(const FabricContext& context, const FlowSettings& settings);

  struct MachinePort {
    double nic_bytes_per_s = 0;       ///< all NICs together
    double gpu_link_bytes_per_s = 0;  ///< 0 where the machine holds one instance
    bool is_store = false;
  };
  /// Of a machine, or of the store that stands where one might.
  std::string name_of(std::size_t machine) const {
    return ports_[machine].is_store ? "store" : "machine-" + std::to_string(machine);
  }
  const std::vector<MachinePort>& ports() const { return ports_; }
  /// Host and links of one machine, in the order of the machines.
  void add_machine(Host* host) { hosts_.push_back(host); }
  /// Makes a link known under `name`, to be metered and to fail.
  void add_link(Link* link, const std::string& name);
  /// Links between the instances inside each machine that holds several, as hosts of their own in
  /// `zone`, a star.
  void add_gpu_links(simgrid::s4u::NetZone* zone);

 private:
  struct Route {
    std::vector<std::uint32_t> links;  ///< the metered ones
    double latency_s = 0;
    double bandwidth_bytes_per_s = 0;  ///< of the slowest link
  };
  struct Flow {
    simgrid::s4u::CommPtr comm;
    const Route* way = nullptr;
    bool running = false;
    bool cancelled = false;
    TransferListener* listener = nullptr;
    std::uint64_t tag = 0;
    InstanceId from = kNoInstance;
    InstanceId to = kNoInstance;
    double bytes = 0;
    double rate_limit_bytes_per_s = 0;
    double metered_bytes = 0;  ///< of `bytes`, counted on its links up to
    double metered_s = 0;      ///< this time
  };
  struct Ends {
    Host* from = nullptr;
    Host* to = nullptr;
  };
  struct MeteredLink {
    Link* link;
    std::string name;
    double bandwidth_bytes_per_s;
    LinkMeter meter;
    double share = 1;  ///< of the bandwidth that is left
  };

  Ends ends(InstanceId from, InstanceId to) const;
  const Route& route(InstanceId from, InstanceId to) const;
  bool is_cut(const Route& way) const;
  void latency_over(std::uint64_t id);
  void launch(std::uint64_t id);
  void stop(std::uint64_t id);
  void apply_share(std::uint64_t index);
  void completed(const simgrid::s4u::Activity& activity);
  void retire(simgrid::s4u::CommPtr comm);
  void meter(Flow& flow);
  void next_window();
  void window_ended(std::uint64_t);
  void meter_all(std::uint64_t);

  Engine& engine_;
  const std::vector<Endpoint>& endpoints_;
  double speedup_;
  /// Of each link. SimGrid's own links have none: where flows get their share only after a latency,
  /// SimGrid 3.32 leaves out the receivers of all but the first that do at one instant.
  double latency_s_;
  std::vector<MachinePort> ports_;
  std::vector<Host*> hosts_;
  std::vector<Ends> gpu_links_;  ///< by machine
  std::vector<MeteredLink> links_;
  std::unordered_map<const Link*, std::size_t> link_index_;
  mutable std::unordered_map<std::uint64_t, Route> routes_;  ///< found so far, by both machines
  simgrid::kernel::resource::Action::StateSet* started_ = nullptr;  ///< SimGrid's flows under way
  std::vector<Flow> flows_;
  std::vector<simgrid::s4u::CommPtr> retired_;  ///< flows that ended at retired_since_s_
  double retired_since_s_ = 0;
  std::vector<TransferId> free_;
  std::uint64_t running_ = 0;                   ///< flows
  double window_s_ = LinkMeter::kFirstWindowS;  ///< of the links' meters
  EventId window_end_ = kNoEvent;
  std::vector<TransferId> stopped_;  ///< before a cut link, until it is back
};

}  // namespace cleave
