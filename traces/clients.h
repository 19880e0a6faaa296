#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <queue>
#include <vector>

#include "traces/transform.h"

namespace cleave {

/// How clients send what they are given.
struct ClientSettings {
  /// Requests under way at once, at most; without, as many as there are.
  std::optional<std::uint64_t> concurrency;
  double ramp_up_s = 0;  ///< of a concurrency: its clients start evenly spread over this time
  double think_s = 0;    ///< between a completed request and the client's next
  /// So many are sent and completed before the clients start anew, with the others.
  std::uint64_t completed_first = 0;
  /// From the (new) start on; what would be sent later is not.
  double duration_s = std::numeric_limits<double>::infinity();
};

/// Those who send the requests of a workload: each when it is wanted (its arrival_s, from the start
/// on) or, where only so many may be under way at once, as soon as then a client is free. This is
/// the one place that a completed request is told to.
///
/// Throws InputError where there is no request at all, where one would arrive after more than 1e9
/// s, and whatever the source of the requests throws.
class Clients {
 public:
  Clients(SourcePtr requests, const ClientSettings& settings);

  /// When the next request is sent, which only completed() can change; infinite where none is left,
  /// or none until another is completed.
  double next_s() const;
  /// That request, with the time as its arrival, in the place of another. Only where next_s() is
  /// finite.
  void send(Request& request);
  /// A request that was sent has left the cluster: with its tokens (`served`), or rejected. Its
  /// session, if it is of one, goes on with the next turn; its client is busy with it until then.
  void completed(double now_s, std::uint64_t session = 0, bool served = true);

 private:
  void start(double now_s);
  bool waits_for_first() const { return !first_done_ && sent_ == settings_.completed_first; }
  double next_first_s() const;
  void take();
  void check_progress(double now_s);

  SourcePtr requests_;
  ClientSettings settings_;
  Request next_;
  struct Turn {
    double arrival_s;
    std::uint64_t order;
    Request request;
    bool operator<(const Turn& other) const {  // for a heap with the first in front
      return arrival_s != other.arrival_s ? arrival_s > other.arrival_s : order > other.order;
    }
  };
  std::vector<Turn> turns_;  ///< later turns of sessions, as a heap
  std::uint64_t turns_so_far_ = 0;
  bool more_ = false;  ///< next_ is still to be sent
  std::uint64_t sent_ = 0;
  std::uint64_t under_way_ = 0;
  bool first_done_ = false;  ///< what is to be completed first
  double start_s_ = 0;
  /// When those clients are ready who have nothing under way; of a concurrency only.
  std::priority_queue<double, std::vector<double>, std::greater<>> ready_s_;
  double last_s_ = 0;               ///< when the last request was sent
  std::uint64_t sent_at_once_ = 0;  ///< at that time
};

}  // namespace cleave
