#include "sim/fabric/server_fabric.h"

#include <tuple>

namespace cleave {

namespace {

/// A server that an instance is on.
struct Place {
  std::uint32_t machine;
  std::uint32_t server;
  InstanceId instance;

  auto order() const { return std::tie(machine, server, instance); }
};

Endpoint server_of(const Endpoint& whole, std::uint32_t server) {
  Endpoint end = whole;
  end.nic_count /= whole.servers;
  end.gpu_link_bytes_per_s /= whole.on.count();
  if (whole.is_store()) return end;
  end.name = "machine-" + std::to_string(whole.machine);
  if (whole.servers > 1) end.name += "-server-" + std::to_string(server);
  return end;
}

/// Among so many places, the first of which is number `first`.
void add_hops(std::size_t first, std::size_t count, bool all_to_all,
              const std::vector<InstanceId>& places, std::vector<Hop>& hops) {
  const double others = static_cast<double>(count) - 1;
  for (std::size_t from = 0; from < count; ++from) {
    for (std::size_t step = 1; step < (all_to_all ? count : 2); ++step) {
      hops.push_back({places[first + from], places[first + (from + step) % count],
                      all_to_all ? 1 / others : 1});
    }
  }
}

}  // namespace

ServerFabric::ServerFabric(const FabricContext& context, const Make& make,
                           ExchangeListener& listener)
    : listener_(listener) {
  add_places(context.endpoints);
  places_ = make({context.engine, ends_, context.speedup, context.book});
  add_exchanges(context.endpoints);
}

// In the order of machines and servers, so that those of one machine stand side by side.
void ServerFabric::add_places(const std::vector<Endpoint>& endpoints) {
  std::vector<Place> places;
  for (InstanceId instance = 0; instance < endpoints.size(); ++instance) {
    const Endpoint& whole = endpoints[instance];
    for (std::uint32_t server = whole.on.first; server <= whole.on.last; ++server) {
      places.push_back({whole.machine, server, instance});
    }
  }
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return a.order() < b.order(); });
  places_of_.resize(endpoints.size());
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& [machine, server, instance] = places[i];
    if (i > 0 && (machine != places[i - 1].machine || server != places[i - 1].server)) ++number;
    places_of_[instance].push_back(static_cast<InstanceId>(ends_.size()));
    ends_.push_back(server_of(endpoints[instance], server));
    ends_.back().machine = number;
  }
}

void ServerFabric::add_exchanges(const std::vector<Endpoint>& endpoints) {
  loads_.resize(endpoints.size());
  for (InstanceId instance = 0; instance < endpoints.size(); ++instance) {
    const Endpoint& whole = endpoints[instance];
    std::vector<Hop> hops;
    for (const ServerSpan& among : whole.exchanges) {
      add_hops(among.first - whole.on.first, among.count(), whole.all_to_all, places_of_[instance],
               hops);
    }
    loads_[instance] = places_->loads(hops);
  }
}

double ServerFabric::exchange_bytes_per_s(InstanceId instance) const {
  return places_->exchange_bytes_per_s(loads_[instance]);
}

bool ServerFabric::works_without(const std::string& link) {
  places_->scale_link(link, 0);
  const bool all = std::all_of(loads_.begin(), loads_.end(), [this](const auto& loads) {
    return places_->exchange_bytes_per_s(loads) > 0;
  });
  places_->scale_link(link, 1);
  return all;
}

TransferId ServerFabric::start(InstanceId from, InstanceId to, double bytes,
                               double rate_limit_bytes_per_s, TransferListener& listener,
                               std::uint64_t tag) {
  if (free_.empty()) {
    free_.push_back(static_cast<TransferId>(transfers_.size()));
    transfers_.emplace_back();
  }
  const TransferId id = free_.back();
  free_.pop_back();
  const std::size_t count = parts(from, to);
  const auto each = static_cast<double>(count);
  transfers_[id] = {std::vector<TransferId>(count, kNoTransfer), from, to, &listener, tag};
  for (std::size_t part = 0; part < count; ++part) {
    transfers_[id].parts[part] =
        places_->start(place(from, part), place(to, part), bytes / each,
                       rate_limit_bytes_per_s / each, *this, std::uint64_t{id} << 32 | part);
  }
  changed(from, to);
  return id;
}

void ServerFabric::cancel(TransferId transfer) {
  for (const TransferId part : transfers_[transfer].parts) {
    if (part != kNoTransfer) places_->cancel(part);
  }
  release(transfer);
}

void ServerFabric::transfer_done(std::uint64_t tag) {
  const auto id = static_cast<TransferId>(tag >> 32);
  Transfer& transfer = transfers_[id];
  transfer.parts[static_cast<std::uint32_t>(tag)] = kNoTransfer;
  const bool whole = std::all_of(transfer.parts.begin(), transfer.parts.end(),
                                 [](TransferId part) { return part == kNoTransfer; });
  if (!whole) {
    changed(transfer.from, transfer.to);
    return;
  }
  TransferListener& listener = *transfer.listener;
  const std::uint64_t outer_tag = transfer.tag;
  release(id);
  listener.transfer_done(outer_tag);
}

void ServerFabric::transfer_failed(std::uint64_t tag) {
  const auto id = static_cast<TransferId>(tag >> 32);
  transfers_[id].parts[static_cast<std::uint32_t>(tag)] = kNoTransfer;
  TransferListener& listener = *transfers_[id].listener;
  const std::uint64_t outer_tag = transfers_[id].tag;
  cancel(id);
  listener.transfer_failed(outer_tag);
}

void ServerFabric::release(TransferId id) {
  free_.push_back(id);
  changed(transfers_[id].from, transfers_[id].to);
}

void ServerFabric::changed(InstanceId from, InstanceId to) {
  for (const InstanceId instance : {from, to}) {
    if (!loads_[instance].empty()) listener_.exchange_changed(instance);
  }
}

bool ServerFabric::is_cut(InstanceId from, InstanceId to) const {
  for (std::size_t part = 0; part < parts(from, to); ++part) {
    if (places_->is_cut(place(from, part), place(to, part))) return true;
  }
  return false;
}

double ServerFabric::ideal_s(InstanceId from, InstanceId to, double bytes) const {
  const std::size_t count = parts(from, to);
  double longest_s = 0;
  for (std::size_t part = 0; part < count; ++part) {
    longest_s = std::max(longest_s, places_->ideal_s(place(from, part), place(to, part),
                                                     bytes / static_cast<double>(count)));
  }
  return longest_s;
}

bool ServerFabric::scale_link(const std::string& link, double share) {
  if (!places_->scale_link(link, share)) return false;
  for (InstanceId instance = 0; instance < loads_.size(); ++instance) {
    if (!loads_[instance].empty()) listener_.exchange_changed(instance);
  }
  return true;
}

}  // namespace cleave
