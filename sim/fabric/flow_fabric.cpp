#include "sim/fabric/flow_fabric.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace cleave {

FlowFabric::FlowFabric(const FabricContext& context, std::unique_ptr<Network> network)
    : engine_(context.engine),
      endpoints_(context.endpoints),
      speedup_(context.speedup),
      book_(context.book),
      network_(std::move(network)),
      links_(network_->links().size()),
      shared_(context.engine, *this) {
  for (std::uint32_t link = 0; link < links_.size(); ++link) {
    ledger_.add_link(network_->bandwidth_bytes_per_s(link) * speedup_);
  }
}

bool FlowFabric::is_cut(InstanceId from, InstanceId to) const {
  network_->links_between(endpoints_[from].machine, endpoints_[to].machine, found_);
  return ledger_.bandwidth_bytes_per_s(found_) <= 0;
}

double FlowFabric::ideal_s(InstanceId from, InstanceId to, double bytes) const {
  network_->links_between(endpoints_[from].machine, endpoints_[to].machine, found_);
  return network_->latency_s(found_) + bytes / (network_->bandwidth_bytes_per_s(found_) * speedup_);
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
  flow.from = endpoints_[from].machine;
  flow.to = endpoints_[to].machine;
  flow.listener = &listener;
  flow.tag = tag;
  flow.limit_bytes_per_s = rate_limit_bytes_per_s;
  flow.left_bytes = bytes;
  network_->links_between(flow.from, flow.to, flow.links);
  flow.begin_s = flow.since_s = engine_.now() + network_->latency_s(flow.links);
  if (books_early(id)) {
    book(id);
    go(id);
  } else {
    come(id);
  }
  return id;
}

void FlowFabric::come(TransferId id) {
  Flow& flow = flows_[id];
  flow.state = State::kComes;
  flow.event = engine_.at<&FlowFabric::begin>(flow.since_s, this, id);
}

// Its latency is over, or what it waited for has come.
void FlowFabric::begin(std::uint64_t number) {
  const auto id = static_cast<TransferId>(number);
  Flow& flow = flows_[id];
  flow.event = kNoEvent;
  if (is_cut(flow)) {
    flow.state = State::kStopped;
    stopped_.push_back(id);
    return;
  }
  flow.state = State::kBegins;
  book(id);
  if (!book_) share(id);
  send_back_early(flow.links);
  share_contended(flow.links);
  if (flow.state == State::kBegins) go(id);
  for (const std::uint32_t link : flow.links) {
    if (!ledger_.fits(link)) adjust_yielding(link);
  }
}

// From since_s on.
void FlowFabric::go(TransferId id) {
  Flow& flow = flows_[id];
  flow.state = State::kBooked;
  flow.rate_bytes_per_s = ledger_.rate_bytes_per_s(flow.links, booking(id));
  flow.end_s = flow.since_s + flow.left_bytes / flow.rate_bytes_per_s;
  flow.event = engine_.at<&FlowFabric::booked_ended>(flow.end_s, this, id);
}

// A flow may book before its latency is over only while nobody has less because of that.
bool FlowFabric::books_early(TransferId id) {
  Flow& flow = flows_[id];
  flow.cap_bytes_per_s = cap_bytes_per_s(flow);
  const Ledger::Booking own = booking(id);
  return book_ && flow.cap_bytes_per_s > 0 &&
         std::all_of(flow.links.begin(), flow.links.end(),
                     [&](std::uint32_t link) { return ledger_.fits(link, own); });
}

double FlowFabric::cap_bytes_per_s(const Flow& flow) const {
  const double bandwidth_bytes_per_s = ledger_.bandwidth_bytes_per_s(flow.links);
  return flow.limit_bytes_per_s > 0 ? std::min(flow.limit_bytes_per_s, bandwidth_bytes_per_s)
                                    : bandwidth_bytes_per_s;
}

Ledger::Booking FlowFabric::booking(TransferId id) const {
  const Flow& flow = flows_[id];
  const bool outside = flow.state == State::kLeaves || flow.state == State::kShared;
  return {id,
          flow.cap_bytes_per_s != flow.limit_bytes_per_s,
          outside,
          flow.cap_bytes_per_s,
          flow.links.front(),
          flow.links.back()};
}

void FlowFabric::book(TransferId id) {
  flows_[id].cap_bytes_per_s = cap_bytes_per_s(flows_[id]);
  ledger_.book(flows_[id].links, booking(id));
}

// Who yields on its links gets what it leaves.
void FlowFabric::unbook(TransferId id) {
  const Links& links = flows_[id].links;
  crowded_.clear();
  for (const std::uint32_t link : links) {
    if (!ledger_.fits(link)) crowded_.push_back(link);
  }
  ledger_.free(links, id);
  for (const std::uint32_t link : crowded_) adjust_yielding(link);
}

void FlowFabric::adjust_yielding(std::uint32_t link) {
  for (const Ledger::Booking& booking : ledger_.bookings(link)) {
    if (booking.yields && !booking.outside) adjust(booking);
  }
}

void FlowFabric::adjust(const Ledger::Booking& booking) {
  Flow& flow = flows_[booking.flow];
  if (!is_under_way(flow) || !ledger_.are_plain(flow.links)) return;
  if (ledger_.rate_bytes_per_s(flow.links, booking) == flow.rate_bytes_per_s) return;
  engine_.cancel(flow.event);
  meter(flow, left_now_bytes(flow));
  go(booking.flow);
}

// Where all that have booked no longer fit, those that have not begun may not count yet.
void FlowFabric::send_back_early(const Links& links) {
  for (const std::uint32_t link : links) {
    if (ledger_.fits(link)) continue;
    for (const Ledger::Booking& booking : Bookings(ledger_.bookings(link))) {
      if (is_early(flows_[booking.flow])) send_back(booking.flow);
    }
  }
}

void FlowFabric::send_back(TransferId id) {
  engine_.cancel(flows_[id].event);
  unbook(id);
  come(id);
}

void FlowFabric::share_contended(const Links& links) {
  for (const std::uint32_t link : links) {
    if (ledger_.is_plain(link)) continue;
    for (const Ledger::Booking& booking : Bookings(ledger_.bookings(link))) {
      share(booking.flow);
    }
  }
}

// For SimGrid to move the rest. What the flow takes of its other links is no longer known.
void FlowFabric::share(TransferId id) {
  Flow& flow = flows_[id];
  if (is_early(flow)) {
    send_back(id);
    return;
  }
  if (is_under_way(flow)) {
    engine_.cancel(flow.event);
    meter(flow, left_now_bytes(flow));
  } else if (flow.state != State::kBegins) {
    return;  // SimGrid's already, or it ends now
  }
  flow.state = State::kLeaves;
  ledger_.set_outside(flow.links, id, true);
  share_contended(flow.links);
  engine_.in_simgrid<&FlowFabric::enter_simgrid>(this, id);
}

void FlowFabric::enter_simgrid(std::uint64_t number) {
  const auto id = static_cast<TransferId>(number);
  Flow& flow = flows_[id];
  if (flow.cancelled) {
    unbook(id);
    release(id);
    return;
  }
  flow.state = State::kShared;
  const Network::Ends ends = network_->ends(flow.from, flow.to);
  shared_.start(id, ends.from, ends.to, flow.left_bytes / speedup_,
                flow.limit_bytes_per_s / speedup_);
  if (window_end_ == kNoEvent) next_window();
}

void FlowFabric::cancel(TransferId transfer) {
  Flow& flow = flows_[transfer];
  flow.cancelled = true;
  if (flow.state == State::kLeaves) return;
  if (flow.state == State::kShared) {
    engine_.in_simgrid<&FlowFabric::stop>(this, transfer);
    return;
  }
  engine_.cancel(flow.event);
  if (is_under_way(flow)) meter(flow, left_now_bytes(flow));
  if (flow.state == State::kBooked) unbook(transfer);
  if (flow.state == State::kStopped) std::erase(stopped_, transfer);
  release(transfer);
}

// The flow may have ended since, and its slot may be another's.
void FlowFabric::stop(std::uint64_t number) {
  const auto id = static_cast<TransferId>(number);
  if (flows_[id].state == State::kShared && flows_[id].cancelled) shared_.stop(id);
}

void FlowFabric::shared_flow_ended(TransferId id, bool whole, double left_bytes) {
  meter(flows_[id], left_bytes * speedup_);
  unbook(id);
  if (book_) take_back(flows_[id].links);
  if (shared_.under_way().empty()) engine_.cancel(window_end_);
  end(id, whole);
}

// Flows that were SimGrid's because of one that has ended go on by themselves again.
void FlowFabric::take_back(const Links& links) {
  for (const std::uint32_t link : links) {
    for (const Ledger::Booking& booking : Bookings(ledger_.bookings(link))) {
      if (flows_[booking.flow].state != State::kShared || !find_contenders(booking.flow)) continue;
      for (const TransferId id : contenders_) {
        meter(flows_[id], shared_.left_bytes(id) * speedup_);
        shared_.take_back(id);
        flows_[id].state = State::kBegins;
        ledger_.set_outside(flows_[id].links, id, false);
      }
      for (const TransferId id : contenders_) go(id);
    }
  }
}

// Whoever gets more or less as `id` does, over any number of links; false where their shares are
// not plain to see, or some of them are on the way into SimGrid or out of it.
bool FlowFabric::find_contenders(TransferId id) {
  ++search_;
  contenders_.assign(1, id);
  flows_[id].found = search_;
  for (std::size_t i = 0; i < contenders_.size(); ++i) {
    const TransferId one = contenders_[i];
    if (flows_[one].state != State::kShared || flows_[one].cancelled ||
        shared_.left_bytes(one) <= 0) {
      return false;
    }
    for (const std::uint32_t link : flows_[one].links) {
      if (ledger_.fits(link)) continue;
      if (!ledger_.could_be_plain(link)) return false;
      for (const Ledger::Booking& booking : ledger_.bookings(link)) {
        if (std::exchange(flows_[booking.flow].found, search_) != search_) {
          contenders_.push_back(booking.flow);
        }
      }
    }
  }
  return true;
}

void FlowFabric::booked_ended(std::uint64_t number) {
  const auto id = static_cast<TransferId>(number);
  meter(flows_[id], 0);
  unbook(id);
  end(id, true);
}

void FlowFabric::failed(std::uint64_t id) { end(static_cast<TransferId>(id), false); }

void FlowFabric::end(TransferId id, bool whole) {
  const bool cancelled = flows_[id].cancelled;
  const std::uint64_t tag = flows_[id].tag;
  TransferListener& listener = *flows_[id].listener;
  release(id);
  if (cancelled) return;
  if (whole) {
    listener.transfer_done(tag);
  } else {
    listener.transfer_failed(tag);
  }
}

void FlowFabric::release(TransferId id) {
  flows_[id].state = State::kNone;
  free_.push_back(id);
}

bool FlowFabric::scale_link(const std::string& name, double share) {
  const std::optional<std::uint32_t> link = network_->find(name);
  if (!link) return false;
  links_[*link].share = share;
  engine_.in_simgrid<&FlowFabric::apply_share>(this, *link);
  if (share > 0) {
    set_bandwidth(*link, network_->bandwidth_bytes_per_s(*link) * speedup_ * share);
    for (const TransferId id : std::exchange(stopped_, {})) {
      flows_[id].begin_s = flows_[id].since_s = engine_.now();
      come(id);
    }
  } else {
    cut(*link);
  }
  return true;
}

void FlowFabric::apply_share(std::uint64_t number) {
  const auto index = static_cast<std::uint32_t>(number);
  Network::Link& link = *network_->links()[index].link;
  const double share = links_[index].share;
  engine_.flows_changed();
  if (share <= 0) {
    link.turn_off();
  } else {
    link.turn_on();
    link.set_bandwidth(network_->bandwidth_bytes_per_s(index) * share);
  }
}

// What crosses the link fails, what would begin to waits; SimGrid says so of its own.
void FlowFabric::cut(std::uint32_t link) {
  std::vector<TransferId> stopped;
  for (const Ledger::Booking& booking : ledger_.bookings(link)) {
    Flow& flow = flows_[booking.flow];
    if (flow.state != State::kBooked || flow.end_s <= engine_.now()) continue;
    if (is_under_way(flow)) meter(flow, left_now_bytes(flow));
    engine_.cancel(flow.event);
    flow.state = State::kFails;
    stopped.push_back(booking.flow);
  }
  for (const TransferId id : stopped) {
    unbook(id);
    if (flows_[id].begin_s < engine_.now()) {
      flows_[id].event = engine_.at<&FlowFabric::failed>(engine_.now(), this, id);
    } else {
      come(id);
    }
  }
  ledger_.set_bandwidth(link, 0);
}

// Whoever crosses the link has another cap from now on, there and elsewhere.
void FlowFabric::set_bandwidth(std::uint32_t link, double bytes_per_s) {
  for (const Ledger::Booking& booking : Bookings(ledger_.bookings(link))) share(booking.flow);
  ledger_.set_bandwidth(link, bytes_per_s);
  const Bookings crossing = ledger_.bookings(link);
  for (const Ledger::Booking& booking : crossing) {
    ledger_.free(flows_[booking.flow].links, booking.flow);
    book(booking.flow);
  }
  for (const Ledger::Booking& booking : crossing) share_contended(flows_[booking.flow].links);
}

std::vector<LinkLoad> FlowFabric::loads(const std::vector<Hop>& hops) const {
  std::vector<LinkLoad> loads;
  for (const Hop& hop : hops) {
    network_->links_between(endpoints_[hop.from].machine, endpoints_[hop.to].machine, found_);
    for (const std::uint32_t link : found_) {
      const auto same = [&](const LinkLoad& load) { return load.link == link; };
      const auto known = std::find_if(loads.begin(), loads.end(), same);
      if (known == loads.end()) {
        loads.push_back({link, hop.share});
      } else {
        known->load += hop.share;
      }
    }
  }
  return loads;
}

double FlowFabric::exchange_bytes_per_s(const std::vector<LinkLoad>& loads) const {
  double least_bytes_per_s = std::numeric_limits<double>::infinity();
  for (const auto& [link, load] : loads) {
    least_bytes_per_s =
        std::min(least_bytes_per_s, ledger_.left_for_one_more_bytes_per_s(link) / load);
  }
  return least_bytes_per_s / speedup_;
}

void FlowFabric::meter(Flow& flow, double left_bytes) {
  for (const std::uint32_t link : flow.links) {
    links_[link].meter.add(flow.since_s, engine_.now(), flow.left_bytes - left_bytes);
  }
  flow.left_bytes = left_bytes;
  flow.since_s = engine_.now();
}

// SimGrid's flows speed up and slow down as others come and go, so what each has carried is read
// off at the end of every window in which it was under way.
void FlowFabric::next_window() {
  while (engine_.now() >= window_s_ * LinkMeter::kWindows) window_s_ *= 2;
  const double end_s = (std::floor(engine_.now() / window_s_) + 1) * window_s_;
  window_end_ = engine_.at<&FlowFabric::window_ended>(end_s, this);
}

void FlowFabric::window_ended(std::uint64_t) {
  window_end_ = kNoEvent;
  engine_.in_simgrid<&FlowFabric::meter_shared>(this, 0);
}

void FlowFabric::meter_shared(std::uint64_t) {
  if (shared_.under_way().empty()) return;
  for (const TransferId id : shared_.under_way()) {
    meter(flows_[id], shared_.left_bytes(id) * speedup_);
  }
  if (window_end_ == kNoEvent) next_window();
}

std::vector<LinkUse> FlowFabric::link_use() const {
  std::vector<LinkUse> all;
  for (std::uint32_t i = 0; i < links_.size(); ++i) {
    const double bandwidth_bytes_per_s = network_->bandwidth_bytes_per_s(i);
    LinkMeter meter = links_[i].meter;
    for (const Ledger::Booking& booking : ledger_.bookings(i)) {
      const Flow& flow = flows_[booking.flow];
      if (!is_under_way(flow)) continue;
      meter.add(flow.since_s, engine_.now(), flow.left_bytes - left_now_bytes(flow));
    }
    all.push_back(meter.use(bandwidth_bytes_per_s * speedup_, engine_.now()));
    all.back().name = network_->links()[i].name;
    all.back().bandwidth_bytes_per_s = bandwidth_bytes_per_s;
  }
  return all;
}

}  // namespace cleave
