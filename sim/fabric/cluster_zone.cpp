#include "sim/fabric/cluster_zone.h"

#include <algorithm>
#include <string>

namespace cleave {

namespace sg = simgrid::s4u;

sg::ClusterCallbacks ClusterZone::callbacks() {
  return sg::ClusterCallbacks(
      [this](sg::NetZone* zone, const std::vector<unsigned long>&, unsigned long place) {
        Host* host = zone->create_host("machine-" + std::to_string(place), 1e9)->seal();
        if (places_.size() <= place) places_.resize(place + 1);
        places_[place] = host;
        return std::make_pair(host->get_netpoint(),
                              static_cast<simgrid::kernel::routing::NetPoint*>(nullptr));
      });
}

void ClusterZone::finish(sg::NetZone* root, double trunk_bytes_per_s) {
  for (std::size_t machine = 0; machine < ports().size(); ++machine) add_machine(places_[machine]);
  std::vector<Link*> nics;
  for (std::size_t machine = 0; machine < ports().size() && places_.size() > 1; ++machine) {
    Host* other = places_[machine == 0 ? 1 : 0];
    std::vector<Link*> out;
    std::vector<Link*> in;
    places_[machine]->route_to(other, out, nullptr);
    other->route_to(places_[machine], in, nullptr);
    const std::string name = name_of(machine) + "-nic";
    for (auto [link, end] : {std::pair(out.front(), "-up"), std::pair(in.back(), "-down")}) {
      link->set_bandwidth(ports()[machine].nic_bytes_per_s);
      nics.push_back(link);
      name_link(link, name + end);
    }
  }
  std::sort(nics.begin(), nics.end());
  for (Link* link : sg::Engine::get_instance()->get_all_links()) {
    const bool trunk = link->get_bandwidth() == trunk_bytes_per_s &&
                       link->get_name() != "__loopback__" &&
                       !std::binary_search(nics.begin(), nics.end(), link);
    if (trunk) name_link(link, link->get_name());
  }
  sg::NetZone* gpus = sg::create_star_zone("gpu-links");
  gpus->set_parent(root);
  add_gpu_links(gpus);
  gpus->seal();
}

void ClusterZone::find_links(std::uint32_t from, std::uint32_t to, Links& links) const {
  const auto [found, added] = routes_.try_emplace(std::uint64_t{from} << 32 | to);
  Links& route = found->second;
  if (added) {
    std::vector<Link*> path;
    host(from)->route_to(host(to), path, nullptr);
    for (const Link* link : path) route.push_back(numbers_.at(link));
  }
  links.insert(links.end(), route.begin(), route.end());
}

}  // namespace cleave
