#include <algorithm>

#include "sim/fabric/cluster_zone.h"

namespace cleave {

namespace {

namespace sg = simgrid::s4u;

/// Leaf switches under spine switches, with static routing (destination modulo). Settings:
/// `hosts_per_leaf`, `spines`, `oversubscription` (bandwidth of a leaf's machines over that of its
/// links up), `link_gbps` (each link between switches; from the three others unless given); or, for
/// more levels, the lists `down` and `up`: connections of a switch of each level below and above
/// itself, from the leaves, the first of `up` being 1.
class FatTree : public ClusterZone {
 public:
  FatTree(JsonReader& settings, const FabricContext& context) : ClusterZone(settings, context) {
    const auto machines = static_cast<unsigned>(ports().size());
    const auto hosts = static_cast<unsigned>(settings.integer("hosts_per_leaf", 1, 4096));
    const auto spines = static_cast<unsigned>(settings.integer("spines", 1, 4096));
    const double oversubscription = settings.number("oversubscription", kPositive);
    std::vector<unsigned> down{hosts, (machines + hosts - 1) / hosts};
    std::vector<unsigned> up{1, spines};
    if (settings.has("down") || settings.has("up")) {
      down = counts(settings, "down");
      up = counts(settings, "up");
      check_levels(settings, down, up, machines);
    }
    check_size(settings, settings.has("down") ? "down" : "spines", links(down, up));
    double fastest_bytes_per_s = 0;
    for (const MachinePort& port : ports())
      fastest_bytes_per_s = std::max(fastest_bytes_per_s, port.nic_bytes_per_s);
    const double trunk_bytes_per_s =
        settings.has("link_gbps") ? settings.number("link_gbps", kPositive) * 1e9 / 8
                                  : down[0] * fastest_bytes_per_s / (up.back() * oversubscription);
    const std::vector<unsigned> parallel(down.size(), 1);
    sg::NetZone* root = sg::create_full_zone("fabric");
    sg::NetZone* zone = sg::create_fatTree_zone(
        "fat-tree", root, {static_cast<unsigned>(down.size()), down, up, parallel}, callbacks(),
        trunk_bytes_per_s, 0, Link::SharingPolicy::SPLITDUPLEX);
    zone->seal();
    finish(root, trunk_bytes_per_s);
    root->seal();
  }

 private:
  static std::vector<unsigned> counts(JsonReader& settings, const char* key) {
    std::vector<unsigned> counts;
    for (const double count : settings.numbers(key, {1, 4096, false})) {
      counts.push_back(static_cast<unsigned>(count));
    }
    return counts;
  }

  static double links(const std::vector<unsigned>& down, const std::vector<unsigned>& up) {
    double below = 1;  // machines, then switches, each with `up` links to the next level
    for (const unsigned count : down) below *= count;
    double sum = 0;
    for (std::size_t level = 0; level < down.size(); ++level) {
      below *= up[level];
      sum += below;
      below /= down[level];
    }
    return sum;
  }

  static void check_levels(const JsonReader& settings, const std::vector<unsigned>& down,
                           const std::vector<unsigned>& up, unsigned machines) {
    if (down.size() != up.size() || down.size() < 2) {
      settings.fail("down", "expected as many entries as \"up\" has, one a level, at least 2");
    }
    if (up[0] != 1) settings.fail("up[0]", "expected 1: a machine hangs on one leaf switch");
    double places = 1;
    for (const unsigned count : down) places *= count;
    if (places < machines) {
      settings.fail("down", "the tree has places for " + std::to_string(static_cast<long>(places)) +
                                " machines, the pools have " + std::to_string(machines));
    }
  }
};

const Fabrics::Entry kEntry{"fat-tree", "leaf and spine switches, oversubscribed if so set",
                            [](JsonReader& settings, const FabricContext& context) {
                              return std::make_unique<FatTree>(settings, context);
                            }};

}  // namespace

}  // namespace cleave
