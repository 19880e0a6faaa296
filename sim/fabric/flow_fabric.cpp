#include "sim/fabric/flow_fabric.h"

#include <algorithm>
#include <limits>

namespace cleave {

namespace sg = simgrid::s4u;

FlowFabric::FlowFabric(const FabricContext& context)
    : engine_(context.engine), listener_(context.listener), endpoints_(context.endpoints) {
  sg::Activity::on_completion_cb([this](const sg::Activity& activity) { completed(activity); });
}

void FlowFabric::add_gpu_links(sg::NetZone* zone) {
  std::uint32_t last = kNoInstance;
  for (const Endpoint& endpoint : endpoints_) {
    if (endpoint.machine == last) gpu_links_.resize(endpoint.machine + 1, Ends{nullptr, nullptr});
    if (endpoint.machine == last && gpu_links_.back().from == nullptr) {
      const std::string name = "machine-" + std::to_string(endpoint.machine);
      sg::Link* link = zone->create_link(name + "-gpu-link", endpoint.gpu_link_bps)->seal();
      Ends& ends = gpu_links_.back();
      ends = {zone->create_host(name + "-out", 1e9)->seal(), zone->create_host(name + "-in", 1e9)->seal()};
      zone->add_route(ends.from->get_netpoint(), nullptr, nullptr, nullptr, {sg::LinkInRoute(link)}, false);
      zone->add_route(nullptr, ends.to->get_netpoint(), nullptr, nullptr, {}, false);
    }
    last = endpoint.machine;
  }
}

FlowFabric::Ends FlowFabric::ends(InstanceId from, InstanceId to) const {
  const std::uint32_t source = endpoints_[from].machine;
  const std::uint32_t target = endpoints_[to].machine;
  if (source == target) return gpu_links_[source];
  return {machine_hosts_[source], machine_hosts_[target]};
}

TransferId FlowFabric::start(InstanceId from, InstanceId to, double bytes, double rate_limit_bps,
                             std::uint64_t tag) {
  TransferId id = 0;
  if (free_.empty()) {
    id = static_cast<TransferId>(flows_.size());
    flows_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  Flow& flow = flows_[id];
  flow.tag = tag;
  flow.from = from;
  flow.to = to;
  flow.bytes = bytes;
  flow.rate_limit_bps = rate_limit_bps;
  engine_.in_simgrid<&FlowFabric::launch>(this, id);
  return id;
}

void FlowFabric::launch(std::uint64_t id) {
  Flow& flow = flows_[id];
  const Ends path = ends(flow.from, flow.to);
  flow.comm = sg::Comm::sendto_init(path.from, path.to);
  flow.comm->set_payload_size(static_cast<std::uint64_t>(flow.bytes));
  if (flow.rate_limit_bps > 0) flow.comm->set_rate(flow.rate_limit_bps);
  // The id travels as the activity's user data, one up so that it is never null.
  flow.comm->set_data(reinterpret_cast<void*>(id + 1));
  engine_.flow_started();
  flow.comm->start();
}

void FlowFabric::completed(const sg::Activity& activity) {
  const auto* comm = dynamic_cast<const sg::Comm*>(&activity);
  if (comm == nullptr) return;
  const auto id = reinterpret_cast<std::uintptr_t>(comm->get_data<void>()) - 1;
  engine_.flow_ended();
  const std::uint64_t tag = flows_[id].tag;
  // The slot keeps its hold on the activity until it is used again: SimGrid is still busy with it.
  free_.push_back(static_cast<TransferId>(id));
  if (activity.get_state() == sg::Activity::State::FINISHED) {
    listener_.transfer_done(tag);
  } else {
    listener_.transfer_failed(tag);
  }
  engine_.callback_done();
}

double FlowFabric::ideal_s(InstanceId from, InstanceId to, double bytes) const {
  const Ends path = ends(from, to);
  std::vector<sg::Link*> links;
  double latency_s = 0;
  path.from->route_to(path.to, links, &latency_s);
  double bandwidth_bps = std::numeric_limits<double>::max();
  for (const sg::Link* link : links) bandwidth_bps = std::min(bandwidth_bps, link->get_bandwidth());
  return latency_s + bytes / bandwidth_bps;
}

}  // namespace cleave
