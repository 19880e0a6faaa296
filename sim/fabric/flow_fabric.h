#pragma once

#include <optional>
#include <simgrid/s4u.hpp>
#include <string>
#include <vector>

#include "sim/fabric/fabric.h"
#include "sim/fabric/ledger.h"
#include "sim/fabric/link_meter.h"
#include "sim/fabric/shared_flows.h"

namespace cleave {

/// What all topologies with links are made from.
struct FlowSettings {
  double latency_s = 0;                   ///< of each link
  std::optional<double> nic_bytes_per_s;  ///< per NIC; default: the machine's profile
  std::optional<double> nics;             ///< per machine; default: the machine's profile
};
/// These, and behind them `own` of a topology.
std::vector<Setting> flow_settings(std::vector<Setting> own = {});
FlowSettings read_flow_settings(JsonReader& section);
/// A setting that leaves no place for the machines, or is too large.
[[noreturn]] void bad_fabric_setting(const std::string& setting, const std::string& what);
/// Refuses a network with more links than a run is likely to be worth.
void check_fabric_size(const std::string& setting, double links);

/// Transfers over links that they share max-min fairly. Those whose shares are plain to see from
/// the ledger go on by themselves, each an event at its end; those that contend for a link are
/// SimGrid's to solve, from then on until they end. A topology builds its platform in its
/// constructor, with a host for each machine.
class FlowFabric : public Fabric, SharedFlows::Listener {
 public:
  TransferId start(InstanceId from, InstanceId to, double bytes, double rate_limit_bytes_per_s,
                   std::uint64_t tag) override;
  void cancel(TransferId transfer) override;
  double ideal_s(InstanceId from, InstanceId to, double bytes) const override;
  bool scale_link(const std::string& name, double share) override;
  std::vector<LinkUse> link_use() const override;

 protected:
  using Host = simgrid::s4u::Host;
  using Link = simgrid::s4u::Link;
  using Links = Ledger::Links;

  FlowFabric(const FabricContext& context, const FlowSettings& settings);

  struct MachinePort {
    double nic_bytes_per_s = 0;       ///< all NICs together
    double gpu_link_bytes_per_s = 0;  ///< 0 where the machine holds one instance
  };
  const std::vector<MachinePort>& ports() const { return ports_; }
  double fastest_nics_bytes_per_s() const;
  /// Host and links of one machine, in the order of the machines.
  void add_machine(Host* host) { hosts_.push_back(host); }
  Host* host(std::uint32_t machine) const { return hosts_[machine]; }
  /// Makes a link known under `name`, to be metered and to fail; they are numbered from 0.
  std::uint32_t add_link(Link* link, const std::string& name);
  /// Links between the instances inside each machine that holds several, as hosts of their own in
  /// `zone`, a star.
  void add_gpu_links(simgrid::s4u::NetZone* zone);
  /// Appends the numbers of the links between two machines, those of SimGrid's route.
  virtual void find_links(std::uint32_t from, std::uint32_t to, Links& links) const = 0;

 private:
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
  struct Ends {
    Host* from = nullptr;
    Host* to = nullptr;
  };
  struct MeteredLink {
    Link* link;
    std::string name;
    double bandwidth_bytes_per_s;
    LinkMeter meter;
    double share = 1;  ///< of the bandwidth that is left
  };

  void lookup(std::uint32_t from, std::uint32_t to, Links& links) const;
  double latency_s(const Links& links) const {
    return latency_s_ * static_cast<double>(links.size());
  }
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
  void begin(std::uint64_t id);
  void go(TransferId id);
  void booked_ended(std::uint64_t id);
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
  void enter_simgrid(std::uint64_t id);
  void take_back(const Links& links);
  bool find_contenders(TransferId id);
  void stop(std::uint64_t id);
  void apply_share(std::uint64_t link);
  void shared_flow_ended(TransferId id, bool whole, double left_bytes) override;

  void meter(Flow& flow, double left_bytes);
  void next_window();
  void window_ended(std::uint64_t);
  void meter_shared(std::uint64_t);

  Engine& engine_;
  TransferListener& listener_;
  const std::vector<Endpoint>& endpoints_;
  double speedup_;
  bool book_;
  /// Of each link. SimGrid's own links have none: where flows get their share only after a latency,
  /// SimGrid 3.32 leaves out the receivers of all but the first that do at one instant.
  double latency_s_;
  std::vector<MachinePort> ports_;
  std::vector<Host*> hosts_;
  struct GpuLink {
    Ends ends;
    std::uint32_t link = 0;
  };
  std::vector<GpuLink> gpu_links_;  ///< by machine
  std::vector<MeteredLink> links_;
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
