#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/fabric/fabric.h"
#include "sim/fabric/ledger.h"
#include "sim/fabric/link_meter.h"
#include "sim/fabric/network.h"
#include "sim/fabric/shared_flows.h"

namespace cleave {

/// Transfers over links that they share max-min fairly. Those whose shares are plain to see from
/// the ledger go on by themselves, each an event at its end; those that contend for a link are
/// SimGrid's to solve, from then on until they end or are plain to see again.
class FlowFabric : public Fabric, SharedFlows::Listener {
 public:
  FlowFabric(const FabricContext& context, std::unique_ptr<Network> network);

  TransferId start(InstanceId from, InstanceId to, double bytes, double rate_limit_bytes_per_s,
                   TransferListener& listener, std::uint64_t tag) override;
  void cancel(TransferId transfer) override;
  bool is_cut(InstanceId from, InstanceId to) const override;
  double ideal_s(InstanceId from, InstanceId to, double bytes) const override;
  bool scale_link(const std::string& name, double share) override;
  std::vector<LinkLoad> loads(const std::vector<Hop>& hops) const override;
  double exchange_bytes_per_s(const std::vector<LinkLoad>& loads) const override;
  std::vector<LinkUse> link_use() const override;

 private:
  using Links = Ledger::Links;
  using Bookings = std::vector<Ledger::Booking>;
  enum class State : std::uint8_t {
    kNone,
    kComes,    ///< its latency is not over, or it was to wait; `event` is when it begins
    kBegins,   ///< now
    kBooked,   ///< goes on by itself, from since_s on; `event` is its end
    kFails,    ///< was cut; `event` says so
    kLeaves,   ///< for SimGrid, as soon as that has come to now
    kShared,   ///< is SimGrid's
    kStopped,  ///< before a cut link, until it is back
  };
  struct Flow {
    State state = State::kNone;
    bool cancelled = false;
    std::uint32_t from = 0;  ///< machine
    std::uint32_t to = 0;
    EventId event = kNoEvent;
    TransferListener* listener = nullptr;
    std::uint64_t tag = 0;
    double limit_bytes_per_s = 0;  ///< 0: none
    double cap_bytes_per_s = 0;    ///< as booked
    double rate_bytes_per_s = 0;   ///< of a booked one
    double begin_s = 0;            ///< when its latency is over
    double end_s = 0;              ///< of a booked one
    double left_bytes = 0;         ///< not metered yet: to be carried from
    double since_s = 0;            ///< this time on
    std::uint64_t found = 0;       ///< by the search of this number
    Links links;
  };
  struct alignas(64) MeteredLink {
    LinkMeter meter;
    double share = 1;  ///< of the bandwidth that is left
  };

  double cap_bytes_per_s(const Flow& flow) const;
  bool is_cut(const Flow& flow) const { return ledger_.bandwidth_bytes_per_s(flow.links) <= 0; }
  /// It has booked and has not begun.
  bool is_early(const Flow& flow) const {
    return flow.state == State::kBooked && flow.since_s > engine_.now();
  }
  /// It has booked, has begun and does not end now.
  bool is_under_way(const Flow& flow) const {
    return flow.state == State::kBooked && flow.since_s <= engine_.now() &&
           flow.end_s > engine_.now();
  }
  double left_now_bytes(const Flow& booked) const {
    return (booked.end_s - engine_.now()) * booked.rate_bytes_per_s;
  }

  void come(TransferId id);
  void begin(std::uint64_t number);
  void go(TransferId id);
  void booked_ended(std::uint64_t number);
  void failed(std::uint64_t id);
  void end(TransferId id, bool whole);
  void release(TransferId id);

  Ledger::Booking booking(TransferId id) const;
  bool books_early(TransferId id);
  void book(TransferId id);
  void unbook(TransferId id);
  void adjust_yielding(std::uint32_t link);
  void adjust(const Ledger::Booking& booking);
  void send_back_early(const Links& links);
  void send_back(TransferId id);
  void cut(std::uint32_t link);
  void set_bandwidth(std::uint32_t link, double bytes_per_s);

  void share_contended(const Links& links);
  void share(TransferId id);
  void enter_simgrid(std::uint64_t number);
  void take_back(const Links& links);
  bool find_contenders(TransferId id);
  void stop(std::uint64_t number);
  void apply_share(std::uint64_t number);
  void shared_flow_ended(TransferId id, bool whole, double left_bytes) override;

  void meter(Flow& flow, double left_bytes);
  void next_window();
  void window_ended(std::uint64_t);
  void meter_shared(std::uint64_t);

  Engine& engine_;
  const std::vector<Endpoint>& endpoints_;
  double speedup_;
  bool book_;
  std::unique_ptr<Network> network_;
  std::vector<MeteredLink> links_;  ///< of the network
  Ledger ledger_;
  std::vector<Flow> flows_;
  std::vector<TransferId> free_;
  std::vector<TransferId> stopped_;
  double window_s_ = LinkMeter::kFirstWindowS;  ///< of the links' meters
  EventId window_end_ = kNoEvent;
  std::vector<TransferId> contenders_;  ///< what the last search found
  std::uint64_t search_ = 0;
  Links crowded_;        ///< kept for its room, as is
  mutable Links found_;  ///< this
  SharedFlows shared_;
};

}  // namespace cleave
