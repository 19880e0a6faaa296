#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "sim/base/channel.h"
#include "sim/core/observer.h"

namespace cleave {

/// How an observer in another process hears of a run: each event is its place in kEvents and the
/// values that it tells.
namespace event_stream {

inline constexpr auto kEvents = std::make_tuple(
    &Observer::arrived, &Observer::finished, &Observer::rejected, &Observer::unfinished,
    &Observer::segment, &Observer::gap, &Observer::given_up, &Observer::memory, &Observer::queue,
    &Observer::transferred, &Observer::tier_moved, &Observer::link_used, &Observer::status_changed,
    &Observer::pool_changed);
inline constexpr std::size_t kCount = std::tuple_size_v<decltype(kEvents)>;

template <class Value>
void put(Channel& channel, const Value& value) {
  channel.put(value);
}
inline void put(Channel& channel, const LinkUse& link) {
  channel.put(link.name);
  for (const double value :
       {link.bandwidth_bytes_per_s, link.bytes, link.mean, link.p99, link.above_90}) {
    channel.put(value);
  }
}

template <class Value>
void take(Channel& channel, Value& value) {
  channel.take(value);
}
inline void take(Channel& channel, LinkUse& link) {
  channel.take(link.name);
  for (double* value :
       {&link.bandwidth_bytes_per_s, &link.bytes, &link.mean, &link.p99, &link.above_90}) {
    channel.take(*value);
  }
}

template <auto kEvent, std::size_t kPlace>
constexpr bool stands_at() {
  constexpr auto kThere = std::get<kPlace>(kEvents);
  if constexpr (std::is_same_v<decltype(kThere), const decltype(kEvent)>) {
    return kThere == kEvent;
  } else {
    return false;
  }
}

template <auto kEvent, std::size_t kPlace = 0>
constexpr std::uint8_t place_of() {
  static_assert(kPlace < kCount, "this event is not in kEvents");
  if constexpr (stands_at<kEvent, kPlace>()) {
    return kPlace;
  } else {
    return place_of<kEvent, kPlace + 1>();
  }
}

template <class... Values>
void tell(Channel& channel, Observer& observer, void (Observer::*event)(Values...)) {
  std::tuple<std::decay_t<Values>...> values;
  std::apply([&](auto&... value) { (take(channel, value), ...); }, values);
  std::apply([&](const auto&... value) { (observer.*event)(value...); }, values);
}

template <std::size_t kPlace>
void tell(Channel& channel, Observer& observer) {
  tell(channel, observer, std::get<kPlace>(kEvents));
}

template <std::size_t... kPlaces>
constexpr auto tellers(std::index_sequence<kPlaces...>) {
  return std::array{&tell<kPlaces>...};
}

}  // namespace event_stream

/// Sends what it sees.
class EventSender : public Observer {
 public:
  explicit EventSender(Channel& channel) : channel_(channel) {}

  void arrived(double time_s) override { send<&Observer::arrived>(time_s); }
  void finished(const FinishedRequest& request) override { send<&Observer::finished>(request); }
  void rejected(const FinishedRequest& request, double needed_bytes) override {
    send<&Observer::rejected>(request, needed_bytes);
  }
  void unfinished(const FinishedRequest& request) override { send<&Observer::unfinished>(request); }
  void segment(const Segment& segment) override { send<&Observer::segment>(segment); }
  void gap(double time_s, double gap_s) override { send<&Observer::gap>(time_s, gap_s); }
  void given_up(double time_s, std::uint32_t output_tokens) override {
    send<&Observer::given_up>(time_s, output_tokens);
  }
  void memory(InstanceId instance, double time_s, double bytes) override {
    send<&Observer::memory>(instance, time_s, bytes);
  }
  void queue(InstanceId instance, double time_s, std::uint32_t requests) override {
    send<&Observer::queue>(instance, time_s, requests);
  }
  void transferred(InstanceId from, InstanceId to, double start_s, double end_s, double bytes,
                   double ideal_s) override {
    send<&Observer::transferred>(from, to, start_s, end_s, bytes, ideal_s);
  }
  void tier_moved(const TierMove& move) override { send<&Observer::tier_moved>(move); }
  void link_used(const LinkUse& link) override { send<&Observer::link_used>(link); }
  void status_changed(InstanceId instance, double time_s, InstanceStatus status) override {
    send<&Observer::status_changed>(instance, time_s, status);
  }
  void pool_changed(InstanceId instance, double time_s, PoolRole role) override {
    send<&Observer::pool_changed>(instance, time_s, role);
  }

 private:
  template <auto kEvent, class... Values>
  void send(const Values&... values) {
    channel_.put(event_stream::place_of<kEvent>());
    (event_stream::put(channel_, values), ...);
  }

  Channel& channel_;
};

/// Takes what an EventSender has sent behind `place`, and tells `observer`. False where `place` is
/// that of no event.
inline bool tell_event(std::uint8_t place, Channel& channel, Observer& observer) {
  static constexpr auto kTellers =
      event_stream::tellers(std::make_index_sequence<event_stream::kCount>{});
  if (place >= kTellers.size()) return false;
  kTellers[place](channel, observer);
  return true;
}

}  // namespace cleave
