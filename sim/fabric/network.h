#pragma once

#include <optional>
#include <simgrid/s4u.hpp>
#include <string>
#include <vector>

#include "sim/fabric/fabric.h"
#include "sim/fabric/ledger.h"

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
/// A setting that leaves no place for the machines, or is too large.
[[noreturn]] void bad_fabric_setting(const std::string& setting, const std::string& what);
/// Refuses a network with more links than a run is likely to be worth.
void check_fabric_size(const std::string& setting, double links);

/// What a topology builds in its constructor: a host for each machine, the links between them, and
/// which of these lie between two.
class Network {
 public:
  using Host = simgrid::s4u::Host;
  using Link = simgrid::s4u::Link;
  using Links = Ledger::Links;

  struct NamedLink {
    Link* link;
    std::string name;
  };
  /// Where SimGrid's flows between two machines begin and end.
  struct Ends {
    Host* from = nullptr;
    Host* to = nullptr;
  };

  virtual ~Network() = default;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// All that are to be metered and may fail, numbered in this order.
  const std::vector<NamedLink>& links() const { return links_; }
  std::optional<std::uint32_t> find(const std::string& name) const;
  Ends ends(std::uint32_t from, std::uint32_t to) const;
  /// The numbers of those that SimGrid's route has between two machines, or inside one, its first
  /// first and its last last.
  void links_between(std::uint32_t from, std::uint32_t to, Links& links) const;
  /// As they were made.
  double bandwidth_bytes_per_s(std::uint32_t link) const { return bandwidths_bytes_per_s_[link]; }
  /// Of the slowest.
  double bandwidth_bytes_per_s(const Links& links) const;
  double latency_s(const Links& links) const {
    return latency_s_ * static_cast<double>(links.size());
  }

 protected:
  Network(const std::vector<Endpoint>& endpoints, const FlowSettings& settings);

  struct MachinePort {
    double nic_bytes_per_s = 0;       ///< all NICs together
    double gpu_link_bytes_per_s = 0;  ///< 0 where the machine holds one instance
    std::string store;                ///< its name, of a store
    std::string name;                 ///< "": by its number
  };
  /// Of a machine, or of the store that stands where one might.
  std::string name_of(std::size_t machine) const {
    const MachinePort& port = ports_[machine];
    if (!port.store.empty()) return port.store;
    return port.name.empty() ? "machine-" + std::to_string(machine) : port.name;
  }
  const std::vector<MachinePort>& ports() const { return ports_; }
  double fastest_nics_bytes_per_s() const;
  /// Host and links of one machine, in the order of the machines.
  void add_machine(Host* host) { hosts_.push_back(host); }
  Host* host(std::uint32_t machine) const { return hosts_[machine]; }
  std::uint32_t add_link(Link* link, const std::string& name);
  /// Links between the instances inside each machine that holds several, as hosts of their own in
  /// `zone`, a star.
  void add_gpu_links(simgrid::s4u::NetZone* zone);

 private:
  struct GpuLink {
    Ends ends;
    std::uint32_t link = 0;
  };

  /// Appends the links between two machines.
  virtual void find_links(std::uint32_t from, std::uint32_t to, Links& links) const = 0;

  /// Of each link. SimGrid's own links have none: where flows get their share only after a latency,
  /// SimGrid 3.32 leaves out the receivers of all but the first that do at one instant.
  double latency_s_;
  std::vector<MachinePort> ports_;
  std::vector<Host*> hosts_;
  std::vector<GpuLink> gpu_links_;  ///< by machine
  std::vector<NamedLink> links_;
  std::vector<double> bandwidths_bytes_per_s_;  ///< of these
};

}  // namespace cleave
