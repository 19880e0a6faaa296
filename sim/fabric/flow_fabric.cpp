#include "sim/fabric/flow_fabric.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <simgrid/kernel/resource/Model.hpp>
#include <simgrid/kernel/resource/NetworkModelIntf.hpp>
#include <utility>

namespace cleave {

namespace sg = simgrid::s4u;

namespace {

using NetworkModel = simgrid::kernel::resource::Model;

NetworkModel& network_model() {
  for (NetworkModel* model : sg::Engine::get_instance()->get_all_models()) {
    if (dynamic_cast<simgrid::kernel::resource::NetworkModelIntf*>(model) != nullptr) return *model;
  }
  broken_invariant("SimGrid has no network model");
}

struct Common {
  Setting latency{"latency_s", 1e-6, "s", "of each link"};
  Setting nic_gbps{"nic_gbps", nullptr, "Gb/s", "of each NIC; the machine's own unless given"};
  Setting nics{"nics_per_machine", nullptr, "NICs", "the machine's own unless given"};
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
  settings.latency_s = common.latency.number(section, {0, 10, false});
  if (const auto gbps = common.nic_gbps.optional_number(section, kPositive)) {
    settings.nic_bytes_per_s = *gbps * 1e9 / 8;
  }
  if (section.has(common.nics.name)) {
    settings.nics = static_cast<double>(section.integer(common.nics.name, 1, 1024));
  }
  return settings;
}

FlowFabric::FlowFabric(const FabricContext& context, const FlowSettings& settings)
    : engine_(context.engine),
      endpoints_(context.endpoints),
      speedup_(context.speedup),
      latency_s_(settings.latency_s) {
  std::vector<double> first_bytes_per_s;
  for (const Endpoint& endpoint : endpoints_) {
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
        endpoint.is_store ? endpoint.nic_count : settings.nics.value_or(endpoint.nic_count);
    const double bytes_per_s = endpoint.is_store
                                   ? endpoint.nic_bytes_per_s
                                   : settings.nic_bytes_per_s.value_or(endpoint.nic_bytes_per_s);
    ports_.push_back({nics * bytes_per_s, 0, endpoint.is_store});
  }
  sg::Activity::on_completion_cb([this](const sg::Activity& activity) { completed(activity); });
}

// A run that ends with an error leaves flows under way, over which SimGrid would complain.
FlowFabric::~FlowFabric() {
  for (Flow& flow : flows_) {
    if (!std::exchange(flow.running, false)) continue;
    flow.comm->cancel();
  }
}

void FlowFabric::add_link(Link* link, const std::string& name) {
  link_index_[link] = links_.size();
  links_.push_back({link, name, link->get_bandwidth(), {}});
}

void FlowFabric::add_gpu_links(sg::NetZone* zone) {
  gpu_links_.resize(ports_.size());
  for (std::size_t machine = 0; machine < ports_.size(); ++machine) {
    if (ports_[machine].gpu_link_bytes_per_s == 0) continue;
    const std::string name = name_of(machine);
    Link* link = zone->create_link(name + "-gpu-link", ports_[machine].gpu_link_bytes_per_s);
    link->seal();
    Ends& ends = gpu_links_[machine];
    ends.from = zone->create_host(name + "-out", 1e9)->seal();
    ends.to = zone->create_host(name + "-in", 1e9)->seal();
    zone->add_route(ends.from->get_netpoint(), nullptr, nullptr, nullptr, {sg::LinkInRoute(link)},
                    false);
    zone->add_route(nullptr, ends.to->get_netpoint(), nullptr, nullptr, {}, false);
    add_link(link, name + "-gpu-link");
  }
}

FlowFabric::Ends FlowFabric::ends(InstanceId from, InstanceId to) const {
  const std::uint32_t source = endpoints_[from].machine;
  const std::uint32_t target = endpoints_[to].machine;
  if (source == target) return gpu_links_[source];
  return {hosts_[source], hosts_[target]};
}

TransferId FlowFabric::start(InstanceId from, InstanceId to, double bytes,
                             double rate_limit_bytes_per_s, TransferListener& listener,
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
  flow.cancelled = false;
  flow.listener = &listener;
  flow.tag = tag;
  flow.from = from;
  flow.to = to;
  flow.bytes = bytes;
  flow.rate_limit_bytes_per_s = rate_limit_bytes_per_s;
  flow.way = &route(from, to);
  engine_.at<&FlowFabric::latency_over>(engine_.now() + flow.way->latency_s, this, id);
  return id;
}

void FlowFabric::latency_over(std::uint64_t id) {
  engine_.in_simgrid<&FlowFabric::launch>(this, id);
}

void FlowFabric::launch(std::uint64_t id) {
  Flow& flow = flows_[id];
  if (flow.cancelled) {
    free_.push_back(static_cast<TransferId>(id));
    return;
  }
  if (is_cut(*flow.way)) {
    stopped_.push_back(static_cast<TransferId>(id));
    return;
  }
  flow.metered_s = engine_.now();
  flow.metered_bytes = 0;
  const Ends path = ends(flow.from, flow.to);
  flow.comm = sg::Comm::sendto_init();
  flow.comm->set_source(path.from)->set_destination(path.to);
  flow.comm->set_payload_size(static_cast<std::uint64_t>(std::ceil(flow.bytes / speedup_)));
  // The id travels as the activity's user data, one up so that it is never null.
  flow.comm->set_data(reinterpret_cast<void*>(id + 1));
  flow.running = true;
  engine_.flow_started();
  if (started_ == nullptr) started_ = network_model().get_started_action_set();
  const std::size_t others = started_->size();
  flow.comm->start();
  // SimGrid 3.32 forgets Comm::set_rate() where no actors send and receive, and it holds a flow to
  // the bandwidth that its links had when it started; so the limit goes to what its model has just
  // started, and no flow keeps one of SimGrid's own.
  if (started_->size() > others) {
    started_->back().set_bound(
        flow.rate_limit_bytes_per_s > 0 ? flow.rate_limit_bytes_per_s / speedup_ : -1);
  }
  ++running_;
  if (running_ == 1) next_window();
}

// Flows speed up and slow down as others come and go, so what each has carried is read off at the
// end of every window in which it ran.
void FlowFabric::next_window() {
  while (engine_.now() >= window_s_ * LinkMeter::kWindows) window_s_ *= 2;
  const double end_s = (std::floor(engine_.now() / window_s_) + 1) * window_s_;
  window_end_ = engine_.at<&FlowFabric::window_ended>(end_s, this);
}

void FlowFabric::window_ended(std::uint64_t) {
  window_end_ = kNoEvent;
  engine_.in_simgrid<&FlowFabric::meter_all>(this, 0);
}

void FlowFabric::meter_all(std::uint64_t) {
  if (running_ == 0) return;
  for (Flow& flow : flows_) {
    if (flow.running) meter(flow);
  }
  if (window_end_ == kNoEvent) next_window();
}

void FlowFabric::cancel(TransferId transfer) {
  Flow& flow = flows_[transfer];
  flow.cancelled = true;
  if (flow.running) engine_.in_simgrid<&FlowFabric::stop>(this, transfer);
  if (std::erase(stopped_, transfer) > 0) free_.push_back(transfer);
}

// The flow may have ended since, and its slot may be another's.
void FlowFabric::stop(std::uint64_t id) {
  if (flows_[id].running && flows_[id].cancelled) flows_[id].comm->cancel();
}

bool FlowFabric::is_cut(const Route& way) const {
  return std::any_of(way.links.begin(), way.links.end(),
                     [&](std::uint32_t link) { return !links_[link].link->is_on(); });
}

void FlowFabric::completed(const sg::Activity& activity) {
  const auto* comm = dynamic_cast<const sg::Comm*>(&activity);
  if (comm == nullptr) return;
  const auto id =
      static_cast<TransferId>(reinterpret_cast<std::uintptr_t>(comm->get_data<void>()) - 1);
  // SimGrid can report one end twice.
  if (!flows_[id].running || flows_[id].comm.get() != comm) return;
  engine_.flow_ended();
  meter(flows_[id]);
  flows_[id].running = false;
  --running_;
  if (running_ == 0) engine_.cancel(window_end_);
  const bool cancelled = flows_[id].cancelled;
  const std::uint64_t tag = flows_[id].tag;
  TransferListener& listener = *flows_[id].listener;
  const bool whole = comm->get_state() == sg::Activity::State::FINISHED;
  retire(std::move(flows_[id].comm));
  free_.push_back(id);
  if (!cancelled) {
    if (whole) {
      listener.transfer_done(tag);
    } else {
      listener.transfer_failed(tag);
    }
  }
  engine_.callback_done();
}

// SimGrid looks at an activity that ended until its clock moves on, so it must live as long
// although its slot is free.
void FlowFabric::retire(sg::CommPtr comm) {
  const double clock_s = sg::Engine::get_clock();
  if (!retired_.empty() && retired_since_s_ < clock_s) retired_.clear();
  retired_since_s_ = clock_s;
  retired_.push_back(std::move(comm));
}

const FlowFabric::Route& FlowFabric::route(InstanceId from, InstanceId to) const {
  const std::uint64_t source = endpoints_[from].machine;
  const auto [found, added] = routes_.try_emplace(source << 32 | endpoints_[to].machine);
  Route& route = found->second;
  if (!added) return route;
  const Ends path = ends(from, to);
  std::vector<Link*> links;
  path.from->route_to(path.to, links, nullptr);
  route.latency_s = latency_s_ * static_cast<double>(links.size());
  route.bandwidth_bytes_per_s = std::numeric_limits<double>::max();
  for (const Link* link : links) {
    const auto known = link_index_.find(link);
    if (known == link_index_.end()) continue;
    route.links.push_back(static_cast<std::uint32_t>(known->second));
    route.bandwidth_bytes_per_s =
        std::min(route.bandwidth_bytes_per_s, links_[known->second].bandwidth_bytes_per_s);
  }
  return route;
}

void FlowFabric::meter(Flow& flow) {
  const bool whole = flow.comm->get_state() == sg::Activity::State::FINISHED;
  const double left = whole ? 0 : flow.comm->get_remaining() * speedup_;
  const double carried = flow.bytes - left - flow.metered_bytes;
  for (const std::uint32_t link : flow.way->links) {
    links_[link].meter.add(flow.metered_s, engine_.now(), carried);
  }
  flow.metered_bytes += carried;
  flow.metered_s = engine_.now();
}

double FlowFabric::ideal_s(InstanceId from, InstanceId to, double bytes) const {
  const Route& way = route(from, to);
  return way.latency_s + bytes / (way.bandwidth_bytes_per_s * speedup_);
}

bool FlowFabric::scale_link(const std::string& name, double share) {
  const auto found = std::find_if(links_.begin(), links_.end(),
                                  [&](const MeteredLink& link) { return link.name == name; });
  if (found == links_.end()) return false;
  found->share = share;
  engine_.in_simgrid<&FlowFabric::apply_share>(this,
                                               static_cast<std::uint64_t>(found - links_.begin()));
  return true;
}

void FlowFabric::apply_share(std::uint64_t index) {
  MeteredLink& link = links_[index];
  engine_.flows_changed();
  if (link.share <= 0) {
    link.link->turn_off();
    return;
  }
  link.link->turn_on();
  link.link->set_bandwidth(link.bandwidth_bytes_per_s * link.share);
  std::vector<TransferId> stopped;
  stopped.swap(stopped_);
  for (const TransferId transfer : stopped) {
    engine_.in_simgrid<&FlowFabric::launch>(this, transfer);
  }
}

std::vector<LinkUse> FlowFabric::link_use() const {
  std::vector<LinkUse> all;
  const double end_s = engine_.now();
  for (const MeteredLink& link : links_) {
    const double bandwidth_bytes_per_s = link.bandwidth_bytes_per_s * speedup_;
    const std::vector<double> shares = link.meter.shares(bandwidth_bytes_per_s, end_s);
    LinkUse use;
    use.name = link.name;
    use.bandwidth_bytes_per_s = link.bandwidth_bytes_per_s;
    use.bytes = link.meter.bytes();
    use.mean = end_s > 0 ? use.bytes / (bandwidth_bytes_per_s * end_s) : 0;
    use.p99 = shares[static_cast<std::size_t>(0.99 * static_cast<double>(shares.size() - 1))];
    const auto busy = std::lower_bound(shares.begin(), shares.end(), 0.9);
    use.above_90 = static_cast<double>(shares.end() - busy) / static_cast<double>(shares.size());
    all.push_back(std::move(use));
  }
  return all;
}

}  // namespace cleave
