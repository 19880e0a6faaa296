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
  virtual std::span<const InstanceLoad> loads() const = 0;
  /// Requests that wait there for their prompt phase or a place in the batch.
  virtual std::uint32_t queued(InstanceId instance) const = 0;
  /// Requests for this LLM that nothing was up for.
  virtual std::uint64_t stranded(std::size_t llm) const = 0;
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
  /// No request is to come any more, and none of those that are there came any further for long.
  virtual bool stuck() const = 0;
};

/// A pool as it is set up: its instances in a row, those of a machine side by side. Pools of one
/// LLM follow one another.
struct ScalerPool {
  std::size_t llm = 0;
  PoolRole role = PoolRole::kMixed;
  std::uint32_t machines = 0;
  std::uint32_t instances_per_machine = 1;
  std::uint32_t least = 0;                  ///< machines that stay on
  std::uint32_t at_start = 0;               ///< machines that are on at time 0
  std::optional<std::size_t> borrows_from;  ///< the pool before it whose machines they are
};

/// Turns machines on and off as a policy wants it, one for each LLM. On: those that still drain
/// first, then those that are off, each by number. Off: those that still load first, then those
/// with the least assigned to them, the last number first.
///
/// A pool that borrows has as many machines as the pool that they are of leaves: what that one
/// wants is given back first. A machine changes hands when it is off: it drains, and loads other
/// weights.
class Scaler {
 public:
  /// Throws what making the policy throws.
  /// Limits of TPOT are by LLM.
  Scaler(const std::vector<ScalerPool>& pools, const ScalingPolicies::Make& policy,
         const PoolCapacity& capacity, const std::vector<std::optional<double>>& tpot_limits_s,
         Clock& clock, ScalerClient& client);

  /// Before the first request.
  void begin();
  /// No look any more.
  void end();

  TrafficMeter& traffic(std::size_t llm) { return services_[llm].traffic; }
  /// A fault took the instance out, or gave it back: nobody turns on what is broken.
  void out_of_service(InstanceId instance, bool out);
  /// Machines went out or came back: brings the cluster to what was last wanted.
  void restore() { apply(); }
  /// An instance went off: who waits for its machine may have it.
  void went_off();

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
    PoolSize size;                    ///< as last wanted
    std::vector<std::size_t> others;  ///< pools on the same machines
  };
  /// An LLM's part of the cluster.
  struct Service {
    std::size_t first_pool;
    std::size_t end_pool;
    std::unique_ptr<ScalingPolicy> policy;
    TrafficMeter traffic;
    EventId next = kNoEvent;
    double at_rest_since_s = 0;
    bool at_rest = false;
  };

  void schedule(std::size_t llm, double time_s);
  void look(std::uint64_t llm);
  void decide(Service& service, const ScalingView& seen);
  void apply();
  void apply_soon();
  void apply_later(std::uint64_t);
  /// Machines that each pool can have, and those that it gets.
  struct Allotment {
    std::uint32_t most;
    std::uint32_t machines;
  };
  std::vector<Allotment> allot() const;
  bool is_free(const Pool& pool, const Machine& machine) const;
  ScalingView view(std::size_t llm);
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
  std::vector<Service> services_;  ///< by LLM
  bool waits_ = false;             ///< for a machine that another pool has
  bool ended_ = false;
  EventId later_ = kNoEvent;
};

}  // namespace cleave
