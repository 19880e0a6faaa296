#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/engine/clock.h"
#include "sim/scaling/scaling_policy.h"
#include "sim/scaling/traffic_meter.h"
#include "sim/scheduling/scheduler.h"

namespace cleave {

/// What a scaler sees of the cluster and does to it.
class ScalerClient {
 public:
  virtual ~ScalerClient() = default;
  virtual const std::vector<InstanceLoad>& loads() const = 0;
  /// Requests that wait there for their prompt phase or a place in the batch.
  virtual std::uint32_t queued(InstanceId instance) const = 0;
  /// Requests that nothing was up for.
  virtual std::uint64_t stranded() const = 0;
  /// Off at once, before the first request.
  virtual void turn_off(InstanceId instance) = 0;
  /// Off or draining, it comes up.
  virtual void turn_on(InstanceId instance) = 0;
  /// Nothing new for it, and off when it is done; off at once where it is only loading.
  virtual void turn_down(InstanceId instance) = 0;
  /// It works for another side from now on.
  virtual void lend(InstanceId instance, PoolRole role) = 0;
  /// Nothing is left to happen but looks of the scaler: does what the end of a run does against
  /// requests that wait for one another. False where that changes nothing.
  virtual bool unblock() = 0;
};

/// A pool as it is set up: its instances in a row, those of a machine side by side.
struct ScalerPool {
  PoolRole role = PoolRole::kMixed;
  std::uint32_t machines = 0;
  std::uint32_t instances_per_machine = 1;
  std::uint32_t least = 0;     ///< machines that stay on
  std::uint32_t at_start = 0;  ///< machines that are on at time 0
};

/// Turns machines on and off as a policy wants it. On: those that still drain first, then those
/// that are off, each by number. Off: those that still load first, then those with the least
/// assigned to them, the last number first.
class Scaler {
 public:
  /// Throws what making the policy throws.
  Scaler(const std::vector<ScalerPool>& pools, const ScalingPolicies::Make& policy,
         const PoolCapacity& capacity, std::optional<double> tpot_limit_s, Clock& clock,
         ScalerClient& client);

  /// Before the first request.
  void begin();
  /// No look any more.
  void end();

  TrafficMeter& traffic() { return traffic_; }
  /// A fault took the instance out, or gave it back: nobody turns on what is broken.
  void out_of_service(InstanceId instance, bool out);
  /// Machines went out or came back: brings the cluster to what was last wanted.
  void restore() { apply(); }

 private:
  struct Machine {
    InstanceId first;
    std::uint32_t instances;
    PoolRole home;
    bool out = false;  ///< of service
  };
  struct Pool {
    ScalerPool spec;
    std::vector<Machine> machines;
  };

  void schedule(double time_s);
  void look(std::uint64_t);
  void apply();
  ScalingView view();
  ScaledPool seen_pool(const Pool& pool) const;
  void resize(Pool& pool, std::uint32_t wanted);
  void lend(Pool& pool, std::uint32_t wanted);
  bool is_on(const Machine& machine) const;
  bool is(const Machine& machine, InstanceStatus status) const;
  bool lent(const Machine& machine) const;
  std::int64_t assigned(const Machine& machine) const;
  void turn(const Machine& machine, bool on);

  Clock& clock_;
  ScalerClient& client_;
  std::vector<Pool> pools_;
  std::unique_ptr<ScalingPolicy> policy_;
  TrafficMeter traffic_;
  std::vector<PoolSize> sizes_;  ///< as last wanted
  EventId next_ = kNoEvent;
  double at_rest_since_s_ = 0;
  bool at_rest_ = false;
};

}  // namespace cleave
