#include "sim/fabric/flow_fabric.h"
#include "sim/fabric/network.h"

namespace cleave {

namespace {

namespace sg = simgrid::s4u;

/// A non-blocking switch: the only links are the machines' NICs, one direction apart from the
/// other.
class Star : public Network {
 public:
  Star(const std::vector<Endpoint>& endpoints, const FlowSettings& flow)
      : Network(endpoints, flow) {
    sg::NetZone* zone = sg::create_star_zone("star");
    for (std::size_t machine = 0; machine < ports().size(); ++machine) {
      const std::string name = name_of(machine);
      Host* host = zone->create_host(name, 1e9)->seal();
      sg::SplitDuplexLink* link =
          zone->create_split_duplex_link(name + "-nic", ports()[machine].nic_bytes_per_s);
      link->seal();
      zone->add_route(host->get_netpoint(), nullptr, nullptr, nullptr,
                      {sg::LinkInRoute(link, sg::LinkInRoute::Direction::UP)}, true);
      add_machine(host);
      add_link(link->get_link_up(), name + "-nic-up");
      add_link(link->get_link_down(), name + "-nic-down");
    }
    add_gpu_links(zone);
    zone->seal();
  }

 private:
  // As they were added.
  void find_links(std::uint32_t from, std::uint32_t to, Links& links) const override {
    links.push_back(2 * from);
    links.push_back(2 * to + 1);
  }
};

const Fabrics::Entry kEntry{"star", "a non-blocking switch; machines share their own NICs only",
                            flow_settings(), [](JsonReader& section) {
                              const FlowSettings flow = read_flow_settings(section);
                              return [=](const FabricContext& context) {
                                return std::make_unique<FlowFabric>(
                                    context, std::make_unique<Star>(context.endpoints, flow));
                              };
                            }};

}  // namespace

}  // namespace cleave
