#pragma once

#include <unordered_map>
#include <vector>

#include "sim/fabric/network.h"

namespace cleave {

/// What the switched topologies of SimGrid have in common: places for hosts, of which the machines
/// take the first; each machine's own link gets the speed of its NICs, the links between switches
/// that of the trunk.
class ClusterZone : public Network {
 protected:
  using Network::Network;

  /// Creates the host of a place; for SimGrid's set-up callback.
  simgrid::s4u::ClusterCallbacks callbacks();
  /// After the zone was built and sealed: NIC speeds, and a name for every link.
  void finish(simgrid::s4u::NetZone* root, double trunk_bytes_per_s);

 private:
  void find_links(std::uint32_t from, std::uint32_t to, Links& links) const override;
  void name_link(Link* link, const std::string& name) { numbers_[link] = add_link(link, name); }

  std::vector<Host*> places_;
  std::unordered_map<const Link*, std::uint32_t> numbers_;   ///< of the links
  mutable std::unordered_map<std::uint64_t, Links> routes_;  ///< found so far, by both machines
};

}  // namespace cleave
