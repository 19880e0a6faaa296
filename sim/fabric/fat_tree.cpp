#include "sim/fabric/fat_tree.h"

#include <utility>

#include "sim/fabric/adaptive_tree.h"
#include "sim/fabric/cluster_zone.h"
#include "sim/fabric/flow_fabric.h"

namespace cleave {

namespace {

namespace sg = simgrid::s4u;

const Setting kHosts{"hosts_per_leaf", 8, "machines", "on a leaf switch", whole(1, 4096)};
const Setting kSpines{"spines", 4, "switches", "above the leaves", whole(1, 4096)};
const Setting kOversubscription{"oversubscription", 1, "",
                                "bandwidth of a leaf's machines over that of its links up",
                                in(kPositive)};
const Setting kLink{"link_gbps", nullptr, "Gb/s",
                    "of each link between switches; from the three others unless given",
                    in(kPositive)};
const Setting kDown{"down", nullptr, "",
                    "for more levels: connections below a switch of each level, from the leaves",
                    whole(1, 4096).each()};
const Setting kUp{"up", nullptr, "", "beside down: connections above it, the first being 1",
                  whole(1, 4096).each()};

const Setting kRouting{"routing", "adaptive", "",
                       "adaptive: a switch spreads its bytes over all its links up; or static, "
                       "by their destination",
                       one_of({"adaptive", "static"})};

double links(const std::vector<unsigned>& down, const std::vector<unsigned>& up) {
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

void check_levels(const std::vector<unsigned>& down, const std::vector<unsigned>& up) {
  if (down.size() != up.size() || down.size() < 2) {
    bad_fabric_setting("down", "expected as many entries as \"up\" has, one a level, at least 2");
  }
  constexpr std::size_t kMost = 16;
  if (down.size() > kMost) {
    bad_fabric_setting("down", "expected at most " + std::to_string(kMost) + " levels");
  }
  if (up[0] != 1) bad_fabric_setting("up[0]", "expected 1: a machine hangs on one leaf switch");
}

void check_places(const std::vector<unsigned>& down, std::size_t machines) {
  double places = 1;
  for (const unsigned count : down) places *= count;
  if (places < static_cast<double>(machines)) {
    bad_fabric_setting("down", "the tree has places for " +
                                   std::to_string(static_cast<long>(places)) +
                                   " machines, the pools have " + std::to_string(machines));
  }
}

std::vector<unsigned> counts(JsonReader& section, const Setting& setting) {
  std::vector<unsigned> counts;
  for (const double count : setting.numbers(section)) {
    counts.push_back(static_cast<unsigned>(count));
  }
  return counts;
}

FatTreeSettings read(JsonReader& section) {
  FatTreeSettings settings;
  settings.flow = read_flow_settings(section);
  settings.hosts = kHosts.count(section);
  settings.spines = kSpines.count(section);
  settings.oversubscription = kOversubscription.number(section);
  settings.link_gbps = kLink.optional_number(section);
  if (kDown.given(section) || kUp.given(section)) {
    settings.down = counts(section, kDown);
    settings.up = counts(section, kUp);
    check_levels(settings.down, settings.up);
  }
  return settings;
}

/// Switches that send by destination modulo, as SimGrid's do: flows to some destinations share a
/// link while others are idle.
class StaticTree : public ClusterZone {
 public:
  StaticTree(const std::vector<Endpoint>& endpoints, const FatTreeSettings& settings)
      : ClusterZone(endpoints, settings.flow) {
    const FatTreeShape shape = fat_tree_shape(settings, ports().size(), fastest_nics_bytes_per_s());
    const std::vector<unsigned> parallel(shape.down.size(), 1);
    sg::NetZone* root = sg::create_full_zone("fabric");
    sg::NetZone* zone = sg::create_fatTree_zone(
        "fat-tree", root,
        {static_cast<unsigned>(shape.down.size()), shape.down, shape.up, parallel}, callbacks(),
        shape.link_bytes_per_s, 0, Link::SharingPolicy::SPLITDUPLEX);
    zone->seal();
    finish(root, shape.link_bytes_per_s);
    root->seal();
  }
};

const Fabrics::Entry kEntry{
    "fat-tree", "leaf and spine switches, oversubscribed if so set",
    flow_settings({kHosts, kSpines, kOversubscription, kRouting, kLink, kDown, kUp}),
    [](JsonReader& section) {
      const FatTreeSettings settings = read(section);
      const bool adaptive = kRouting.choice(section) == "adaptive";
      return [=](const FabricContext& context) {
        std::unique_ptr<Network> tree;
        if (adaptive) {
          tree = std::make_unique<AdaptiveTree>(context.endpoints, settings);
        } else {
          tree = std::make_unique<StaticTree>(context.endpoints, settings);
        }
        return std::make_unique<FlowFabric>(context, std::move(tree));
      };
    }};

}  // namespace

FatTreeShape fat_tree_shape(const FatTreeSettings& settings, std::size_t machines,
                            double fastest_nics_bytes_per_s) {
  FatTreeShape shape{settings.down, settings.up, 0};
  if (shape.down.empty()) {
    const auto leaves = (machines + settings.hosts - 1) / settings.hosts;
    shape.down = {settings.hosts, static_cast<unsigned>(leaves)};
    shape.up = {1, settings.spines};
  }
  check_places(shape.down, machines);
  check_fabric_size(settings.down.empty() ? "spines" : "down", links(shape.down, shape.up));
  shape.link_bytes_per_s = settings.link_gbps ? *settings.link_gbps * 1e9 / 8
                                              : shape.down[0] * fastest_nics_bytes_per_s /
                                                    (shape.up.back() * settings.oversubscription);
  return shape;
}

}  // namespace cleave
