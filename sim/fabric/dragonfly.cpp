#include <algorithm>

#include "sim/fabric/cluster_zone.h"

namespace cleave {

namespace {

namespace sg = simgrid::s4u;

/// Groups of chassis of routers of machines, every group linked with every other. Settings:
/// `groups`, `chassis`, `routers`, `nodes` (of each in the one before), `link_gbps` (each link
/// between routers).
class Dragonfly : public ClusterZone {
 public:
  Dragonfly(JsonReader& settings, const FabricContext& context) : ClusterZone(settings, context) {
    const unsigned groups = count(settings, "groups");
    const unsigned chassis = count(settings, "chassis");
    const unsigned routers = count(settings, "routers");
    const unsigned nodes = count(settings, "nodes");
    const double places = 1.0 * groups * chassis * routers * nodes;
    if (places < static_cast<double>(ports().size())) {
      settings.fail("groups", "the dragonfly has places for " +
                                  std::to_string(static_cast<long>(places)) +
                                  " machines, the pools have " + std::to_string(ports().size()));
    }
    if (groups > chassis * routers) {
      settings.fail("groups", "expected at most chassis x routers, " +
                                  std::to_string(chassis * routers) +
                                  ": each router has one link to another group");
    }
    const double links = 1.0 * groups *
                         (chassis * (routers * (routers - 1.0) / 2) +
                          routers * (chassis * (chassis - 1.0) / 2) + (groups - 1.0) / 2);
    check_size(settings, "groups", places + links);
    double fastest_bytes_per_s = 0;
    for (const MachinePort& port : ports())
      fastest_bytes_per_s = std::max(fastest_bytes_per_s, port.nic_bytes_per_s);
    const double trunk_bytes_per_s = settings.has("link_gbps")
                                         ? settings.number("link_gbps", kPositive) * 1e9 / 8
                                         : fastest_bytes_per_s;
    sg::NetZone* root = sg::create_full_zone("fabric");
    sg::NetZone* zone = sg::create_dragonfly_zone(
        "dragonfly", root, {{groups, 1}, {chassis, 1}, {routers, 1}, nodes}, callbacks(),
        trunk_bytes_per_s, 0, Link::SharingPolicy::SPLITDUPLEX);
    zone->seal();
    finish(root, trunk_bytes_per_s);
    root->seal();
  }

 private:
  static unsigned count(JsonReader& settings, const char* key) {
    return static_cast<unsigned>(settings.integer(key, 1, 4096));
  }
};

const Fabrics::Entry kEntry{"dragonfly", "groups of chassis of routers, all groups linked",
                            [](JsonReader& settings, const FabricContext& context) {
                              return std::make_unique<Dragonfly>(settings, context);
                            }};

}  // namespace

}  // namespace cleave
