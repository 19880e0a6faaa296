#include "sim/fabric/flow_fabric.h"

namespace cleave {

namespace {

namespace sg = simgrid::s4u;

/// A non-blocking switch: the only links are the machines' NICs, one direction apart from the other.
/// Settings: `latency_s` (of the whole way), `nic_gbps` (of each machine; default: its profile's).
class Star : public FlowFabric {
 public:
  Star(JsonReader& settings, const FabricContext& context) : FlowFabric(context) {
    const double latency_s = settings.number("latency_s", {0, 10, false});
    const double nic_bps = settings.number("nic_gbps", kPositive, 0) * 1e9 / 8;
    sg::NetZone* zone = sg::create_star_zone("star");
    for (const Endpoint& endpoint : endpoints()) {
      if (endpoint.machine < machine_hosts_.size()) continue;
      const std::string name = "machine-" + std::to_string(endpoint.machine);
      sg::Host* host = zone->create_host(name, 1e9)->seal();
      auto* link = zone->create_split_duplex_link(name + "-nic", nic_bps > 0 ? nic_bps : endpoint.nic_bps);
      link->set_latency(latency_s / 2);
      link->seal();
      zone->add_route(host->get_netpoint(), nullptr, nullptr, nullptr,
                      {sg::LinkInRoute(link, sg::LinkInRoute::Direction::UP)}, true);
      machine_hosts_.push_back(host);
    }
    add_gpu_links(zone);
    zone->seal();
  }
};

const Fabrics::Entry kEntry{"star", "a non-blocking switch; machines share their own NICs only",
                            [](JsonReader& settings, const FabricContext& context) {
                              return std::make_unique<Star>(settings, context);
                            }};

}  // namespace

}  // namespace cleave
