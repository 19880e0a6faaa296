#pragma once

#include <cstdint>

#include "sim/core/ids.h"
#include "sim/core/records.h"
#include "sim/core/status.h"
#include "sim/core/tier.h"

namespace cleave {

/// What can be seen of a run, in the order in which it happens. Default: look away. ObserverList
/// and sim/event_stream.h pass on each of these.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void arrived(double /*time_s*/) {}
  virtual void finished(const FinishedRequest&) {}
  /// A request that was sent away; FinishedRequest::refusal says why. Of one too large, the KV
  /// memory that it needs.
  virtual void rejected(const FinishedRequest&, double /*needed_bytes*/) {}
  /// At the end of the run, each request still in the cluster.
  virtual void unfinished(const FinishedRequest&) {}
  /// At the end of a segment.
  virtual void segment(const Segment&) {}
  /// The time between two tokens of one request, the second of which came at `time_s`, where it is
  /// not an iteration of a segment: before its first decode iteration, or after it was put aside.
  virtual void gap(double /*time_s*/, double /*gap_s*/) {}
  /// A request begins again from its prompt; the output tokens that it had are lost.
  virtual void given_up(double /*time_s*/, std::uint32_t /*output_tokens*/) {}
  /// Memory in use on an instance (weights included), from now on.
  virtual void memory(InstanceId, double /*time_s*/, double /*bytes*/) {}
  /// Requests waiting on an instance for their prompt phase or for a place in the batch, from now
  /// on.
  virtual void queue(InstanceId, double /*time_s*/, std::uint32_t /*requests*/) {}
  /// A KV transfer ended; `ideal_s` is what it would have taken alone.
  virtual void transferred(InstanceId /*from*/, InstanceId /*to*/, double /*start_s*/,
                           double /*end_s*/, double /*bytes*/, double /*ideal_s*/) {}
  /// KV caches came into a tier behind GPU memory, or out of it.
  virtual void tier_moved(const TierMove&) {}
  /// At the end of the run, once for each link and direction.
  virtual void link_used(const LinkUse&) {}
  /// The instance's status from now on; all are up when a run starts.
  virtual void status_changed(InstanceId, double /*time_s*/, InstanceStatus) {}
  /// The instance works for another pool from now on.
  virtual void pool_changed(InstanceId, double /*time_s*/, PoolRole) {}
};

}  // namespace cleave
