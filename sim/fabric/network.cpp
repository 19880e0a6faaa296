#include "sim/fabric/network.h"

#include <algorithm>
#include <limits>

namespace cleave {

namespace sg = simgrid::s4u;

namespace {

struct Common {
  Setting latency{"latency_s", 1e-6, "s", "of each link", in({0, 10, false})};
  Setting nic_gbps{"nic_gbps", nullptr, "Gb/s", "of each NIC; the machine's own unless given",
                   in(kPositive)};
  Setting nics{"nics_per_machine", nullptr, "NICs",
               "of each server; the machine's own unless given", whole(1, 1024)};
};

}  // namespace

std::vector<Setting> flow_settings(std::vector<Setting> own) {
  const Common common;
  own.insert(own.begin(), {common.latency, common.nic_gbps, common.nics});
  return own;
}

FlowSettings read_flow_settings(JsonReader& section) {
  const Common common;
  FlowSettings settings;
  settings.latency_s = common.latency.number(section);
  if (const auto gbps = common.nic_gbps.optional_number(section)) {
    settings.nic_bytes_per_s = *gbps * 1e9 / 8;
  }
  if (common.nics.given(section)) settings.nics = common.nics.count(section);
  return settings;
}

void bad_fabric_setting(const std::string& setting, const std::string& what) {
  throw InputError("fabric." + setting + ": " + what);
}

void check_fabric_size(const std::string& setting, double links) {
  constexpr double kMost = 500'000;
  if (links <= kMost) return;
  bad_fabric_setting(setting, "the network has more than " +
                                  std::to_string(static_cast<long>(kMost)) +
                                  " links; expected a smaller one");
}

Network::Network(const std::vector<Endpoint>& endpoints, const FlowSettings& settings)
    : latency_s_(settings.latency_s) {
  std::vector<double> first_bytes_per_s;
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.machine < ports_.size()) {
      // Between groups of different sizes the smaller one's links are the limit.
      double& link_bytes_per_s = ports_[endpoint.machine].gpu_link_bytes_per_s;
      link_bytes_per_s =
          std::min(link_bytes_per_s > 0 ? link_bytes_per_s : first_bytes_per_s[endpoint.machine],
                   endpoint.gpu_link_bytes_per_s);
      continue;
    }
    first_bytes_per_s.push_back(endpoint.gpu_link_bytes_per_s);
    const double nics =
        endpoint.is_store() ? endpoint.nic_count : settings.nics.value_or(endpoint.nic_count);
    const double bytes_per_s = endpoint.is_store()
                                   ? endpoint.nic_bytes_per_s
                                   : settings.nic_bytes_per_s.value_or(endpoint.nic_bytes_per_s);
    ports_.push_back({nics * bytes_per_s, 0, endpoint.store, endpoint.name});
  }
}

double Network::fastest_nics_bytes_per_s() const {
  double fastest = 0;
  for (const MachinePort& port : ports_) {
    if (port.store.empty()) fastest = std::max(fastest, port.nic_bytes_per_s);
  }
  return fastest;
}

std::uint32_t Network::add_link(Link* link, const std::string& name) {
  links_.push_back({link, name});
  bandwidths_bytes_per_s_.push_back(link->get_bandwidth());
  return static_cast<std::uint32_t>(links_.size() - 1);
}

void Network::add_gpu_links(sg::NetZone* zone) {
  gpu_links_.resize(ports_.size());
  for (std::size_t machine = 0; machine < ports_.size(); ++machine) {
    if (ports_[machine].gpu_link_bytes_per_s == 0) continue;
    const std::string name = name_of(machine);
    Link* link = zone->create_link(name + "-gpu-link", ports_[machine].gpu_link_bytes_per_s);
    link->seal();
    Ends& ends = gpu_links_[machine].ends;
    ends.from = zone->create_host(name + "-out", 1e9)->seal();
    ends.to = zone->create_host(name + "-in", 1e9)->seal();
    zone->add_route(ends.from->get_netpoint(), nullptr, nullptr, nullptr, {sg::LinkInRoute(link)},
                    false);
    zone->add_route(nullptr, ends.to->get_netpoint(), nullptr, nullptr, {}, false);
    gpu_links_[machine].link = add_link(link, name + "-gpu-link");
  }
}

std::optional<std::uint32_t> Network::find(const std::string& name) const {
  const auto found = std::find_if(links_.begin(), links_.end(),
                                  [&](const NamedLink& link) { return link.name == name; });
  if (found == links_.end()) return {};
  return static_cast<std::uint32_t>(found - links_.begin());
}

Network::Ends Network::ends(std::uint32_t from, std::uint32_t to) const {
  return from == to ? gpu_links_[from].ends : Ends{hosts_[from], hosts_[to]};
}

void Network::links_between(std::uint32_t from, std::uint32_t to, Links& links) const {
  links.clear();
  if (from == to) {
    links.push_back(gpu_links_[from].link);
  } else {
    find_links(from, to, links);
  }
}

double Network::bandwidth_bytes_per_s(const Links& links) const {
  double least_bytes_per_s = std::numeric_limits<double>::max();
  for (const std::uint32_t link : links) {
    least_bytes_per_s = std::min(least_bytes_per_s, bandwidths_bytes_per_s_[link]);
  }
  return least_bytes_per_s;
}

}  // namespace cleave
