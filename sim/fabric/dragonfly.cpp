#include <cmath>
#include <optional>

#include "sim/fabric/cluster_zone.h"
#include "sim/fabric/flow_fabric.h"

namespace cleave {

namespace {

namespace sg = simgrid::s4u;

const Setting kGroups{"groups", 8, "groups", "every one linked with every other", whole(1, 4096)};
const Setting kChassis{"chassis", 2, "chassis", "in a group", whole(1, 4096)};
const Setting kRouters{"routers", 4, "routers", "in a chassis", whole(1, 4096)};
const Setting kNodes{"nodes", 4, "machines", "on a router", whole(1, 4096)};
const Setting kLink{"link_gbps", nullptr, "Gb/s",
                    "of each link between routers; that of the fastest machine's NICs unless given",
                    in(kPositive)};

/// Groups of chassis of routers of machines, every group linked with every other.
class Dragonfly : public ClusterZone {
 public:
  struct Settings {
    FlowSettings flow;
    unsigned groups = 0;
    unsigned chassis = 0;  ///< of each in the one before
    unsigned routers = 0;
    unsigned nodes = 0;
    std::optional<double> link_gbps;
  };

  static Settings read(JsonReader& section) {
    return {read_flow_settings(section), kGroups.count(section), kChassis.count(section),
            kRouters.count(section),     kNodes.count(section),  kLink.optional_number(section)};
  }

  Dragonfly(const std::vector<Endpoint>& endpoints, const Settings& settings)
      : ClusterZone(endpoints, settings.flow) {
    check(settings, ports().size());
    const double trunk_bytes_per_s =
        settings.link_gbps ? *settings.link_gbps * 1e9 / 8 : fastest_nics_bytes_per_s();
    sg::NetZone* root = sg::create_full_zone("fabric");
    sg::NetZone* zone = sg::create_dragonfly_zone(
        "dragonfly", root,
        {{settings.groups, 1}, {settings.chassis, 1}, {settings.routers, 1}, settings.nodes},
        callbacks(), trunk_bytes_per_s, 0, Link::SharingPolicy::SPLITDUPLEX);
    zone->seal();
    finish(root, trunk_bytes_per_s);
    root->seal();
  }

 private:
  static void check(const Settings& settings, std::size_t machines) {
    const auto& [flow, groups, chassis, routers, nodes, link] = settings;
    const double places = 1.0 * groups * chassis * routers * nodes;
    if (places < static_cast<double>(machines)) {
      bad_fabric_setting("groups", "the dragonfly has places for " +
                                       std::to_string(static_cast<long>(places)) +
                                       " machines, the pools have " + std::to_string(machines));
    }
    if (groups > chassis * routers) {
      bad_fabric_setting("groups", "expected at most chassis x routers, " +
                                       std::to_string(chassis * routers) +
                                       ": each router has one link to another group");
    }
    // Beyond, SimGrid 3.32 looks for routes where there are none.
    const double group_places = 1.0 * chassis * routers * nodes;
    const double used = std::ceil(static_cast<double>(machines) / group_places);
    if (used > routers) {
      bad_fabric_setting("routers", "the machines fill " + std::to_string(static_cast<long>(used)) +
                                        " groups; expected at least as many routers in a chassis");
    }
    const double links = 1.0 * groups *
                         (chassis * (routers * (routers - 1.0) / 2) +
                          routers * (chassis * (chassis - 1.0) / 2) + (groups - 1.0) / 2);
    check_fabric_size("groups", places + links);
  }
};

const Fabrics::Entry kEntry{
    "dragonfly", "groups of chassis of routers, all groups linked",
    flow_settings({kGroups, kChassis, kRouters, kNodes, kLink}), [](JsonReader& section) {
      const Dragonfly::Settings settings = Dragonfly::read(section);
      return [=](const FabricContext& context) {
        return std::make_unique<FlowFabric>(
            context, std::make_unique<Dragonfly>(context.endpoints, settings));
      };
    }};

}  // namespace

}  // namespace cleave
