#include "sim/fabric/adaptive_tree.h"

namespace cleave {

namespace sg = simgrid::s4u;

namespace {

using simgrid::kernel::routing::NetPoint;

/// Leads to what hangs in a zone, or on a gateway of it, by `link`.
void hang(sg::NetZone* zone, NetPoint* what, NetPoint* gateway, const sg::SplitDuplexLink* link) {
  zone->add_route(what, nullptr, gateway, nullptr,
                  {sg::LinkInRoute(link, sg::LinkInRoute::Direction::UP)}, true);
}

/// Where routes leave a zone, at no cost. SimGrid 3.32 takes a gateway beside zones for one of
/// their hosts, so among zones it needs one of its own.
NetPoint* add_gateway(sg::NetZone* zone, const std::string& name, bool among_zones) {
  sg::NetZone* home = zone;
  if (among_zones) {
    home = sg::create_star_zone(name + "-core");
    home->set_parent(zone);
  }
  NetPoint* gateway = home->create_router(name + "-gateway");
  home->add_route(gateway, nullptr, nullptr, nullptr, {}, true);
  if (among_zones) zone->add_route(home->get_netpoint(), nullptr, gateway, nullptr, {}, true);
  return gateway;
}

}  // namespace

AdaptiveTree::AdaptiveTree(const std::vector<Endpoint>& endpoints, const FatTreeSettings& settings)
    : Network(endpoints, settings.flow) {
  const FatTreeShape shape = fat_tree_shape(settings, ports().size(), fastest_nics_bytes_per_s());
  down_ = shape.down;
  levels_.resize(down_.size() - 1);
  std::vector<double> bundles_bytes_per_s;  // of a subtree of each level
  for (double links = 1; bundles_bytes_per_s.size() < levels_.size();) {
    links *= shape.up[bundles_bytes_per_s.size() + 1];
    bundles_bytes_per_s.push_back(links * shape.link_bytes_per_s);
  }
  sg::NetZone* root = sg::create_star_zone("fabric");
  std::vector<sg::NetZone*> above{root};
  for (std::size_t level = levels_.size(); level-- > 0;) {
    add_subtrees(level, above, bundles_bytes_per_s[level]);
    above = levels_[level].subtrees;
  }
  add_machines();
  for (std::size_t level = 0; level < levels_.size(); ++level) {
    Level& here = levels_[level];
    for (std::size_t i = 0; i < here.bundles.size(); ++i) {
      const std::uint32_t number = add_link(here.bundles[i]->get_link_up(), name(level, i) + "-up");
      add_link(here.bundles[i]->get_link_down(), name(level, i) + "-down");
      if (i == 0) here.first_link = number;
    }
  }
  add_gpu_links(root);
  root->seal();
}

std::string AdaptiveTree::name(std::size_t level, std::size_t subtree) {
  const std::string kind = level == 0   ? "leaf"
                           : level == 1 ? "pod"
                                        : "level-" + std::to_string(level + 1);
  return kind + "-" + std::to_string(subtree);
}

// As many as the machines fill.
void AdaptiveTree::add_subtrees(std::size_t level, const std::vector<sg::NetZone*>& above,
                                double bundle_bytes_per_s) {
  std::size_t places = 1;
  for (std::size_t below = 0; below <= level; ++below) places *= down_[below];
  Level& here = levels_[level];
  for (std::size_t i = 0; i * places < ports().size(); ++i) {
    sg::NetZone* parent = above[i / down_[level + 1]];
    sg::NetZone* subtree = sg::create_star_zone(name(level, i));
    subtree->set_parent(parent);
    NetPoint* gateway = add_gateway(subtree, name(level, i), level > 0);
    sg::SplitDuplexLink* bundle =
        parent->create_split_duplex_link(name(level, i) + "-links", bundle_bytes_per_s);
    bundle->seal();
    hang(parent, subtree->get_netpoint(), gateway, bundle);
    here.subtrees.push_back(subtree);
    here.bundles.push_back(bundle);
  }
}

void AdaptiveTree::add_machines() {
  for (std::size_t machine = 0; machine < ports().size(); ++machine) {
    sg::NetZone* leaf = levels_[0].subtrees[machine / down_[0]];
    const std::string name = name_of(machine);
    Host* host = leaf->create_host(name, 1e9)->seal();
    sg::SplitDuplexLink* link =
        leaf->create_split_duplex_link(name + "-nic", ports()[machine].nic_bytes_per_s);
    link->seal();
    hang(leaf, host->get_netpoint(), nullptr, link);
    add_machine(host);
    add_link(link->get_link_up(), name + "-nic-up");
    add_link(link->get_link_down(), name + "-nic-down");
  }
}

// Those up to the least subtree that holds both, and those back down.
void AdaptiveTree::find_links(std::uint32_t from, std::uint32_t to, Links& links) const {
  links.push_back(2 * from);
  links.push_back(2 * to + 1);
  from /= down_[0];
  to /= down_[0];
  for (std::size_t level = 0; from != to; ++level) {
    links.push_back(levels_[level].first_link + 2 * from);
    links.push_back(levels_[level].first_link + 2 * to + 1);
    from /= down_[level + 1];
    to /= down_[level + 1];
  }
}

}  // namespace cleave
