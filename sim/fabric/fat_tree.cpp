#include <optional>

#include "sim/fabric/cluster_zone.h"

namespace cleave {

namespace {

namespace sg = simgrid::s4u;

const Setting kHosts{"hosts_per_leaf", 8, "machines", "on a leaf switch"};
const Setting kSpines{"spines", 4, "switches", "above the leaves"};
const Setting kOversubscription{"oversubscription", 1, "",
                                "bandwidth of a leaf's machines over that of its links up"};
const Setting kLink{"link_gbps", nullptr, "Gb/s",
                    "of each link between switches; from the three others unless given"};
const Setting kDown{"down", nullptr, "",
                    "for more levels: connections below a switch of each level, from the leaves"};
const Setting kUp{"up", nullptr, "", "beside down: connections above it, the first being 1"};

/// Leaf switches under spine switches, with static routing (destination modulo).
class FatTree : public ClusterZone {
 public:
  struct Settings {
    FlowSettings flow;
    std::vector<unsigned> down;  ///< empty: hosts and spines say it
    std::vector<unsigned> up;
    unsigned hosts = 0;
    unsigned spines = 0;
    double oversubscription = 1;
    std::optional<double> link_gbps;
  };

  static Settings read(JsonReader& section) {
    Settings settings;
    settings.flow = read_flow_settings(section);
    settings.hosts = kHosts.count(section, 1, 4096);
    settings.spines = kSpines.count(section, 1, 4096);
    settings.oversubscription = kOversubscription.number(section, kPositive);
    settings.link_gbps = kLink.optional_number(section, kPositive);
    if (section.has(kDown.name) || section.has(kUp.name)) {
      settings.down = counts(section, kDown.name);
      settings.up = counts(section, kUp.name);
      check_levels(settings.down, settings.up);
    }
    return settings;
  }

  FatTree(const FabricContext& context, const Settings& settings)
      : ClusterZone(context, settings.flow) {
    const auto machines = static_cast<unsigned>(ports().size());
    const bool levels_given = !settings.down.empty();
    std::vector<unsigned> down{settings.hosts, (machines + settings.hosts - 1) / settings.hosts};
    std::vector<unsigned> up{1, settings.spines};
    if (levels_given) {
      down = settings.down;
      up = settings.up;
      check_places(down, machines);
    }
    check_size(levels_given ? "down" : "spines", links(down, up));
    const double trunk_bytes_per_s =
        settings.link_gbps
            ? *settings.link_gbps * 1e9 / 8
            : down[0] * fastest_nics_bytes_per_s() / (up.back() * settings.oversubscription);
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
  static std::vector<unsigned> counts(JsonReader& section, const std::string& key) {
    std::vector<unsigned> counts;
    for (const double count : section.numbers(key, {1, 4096, false})) {
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

  static void check_levels(const std::vector<unsigned>& down, const std::vector<unsigned>& up) {
    if (down.size() != up.size() || down.size() < 2) {
      fail("down", "expected as many entries as \"up\" has, one a level, at least 2");
    }
    if (up[0] != 1) fail("up[0]", "expected 1: a machine hangs on one leaf switch");
  }

  static void check_places(const std::vector<unsigned>& down, unsigned machines) {
    double places = 1;
    for (const unsigned count : down) places *= count;
    if (places < machines) {
      fail("down", "the tree has places for " + std::to_string(static_cast<long>(places)) +
                       " machines, the pools have " + std::to_string(machines));
    }
  }
};

const Fabrics::Entry kEntry{"fat-tree", "leaf and spine switches, oversubscribed if so set",
                            flow_settings({kHosts, kSpines, kOversubscription, kLink, kDown, kUp}),
                            [](JsonReader& section) {
                              const FatTree::Settings settings = FatTree::read(section);
                              return [=](const FabricContext& context) {
                                return std::make_unique<FatTree>(context, settings);
                              };
                            }};

}  // namespace

}  // namespace cleave
