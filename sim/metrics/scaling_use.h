#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/metrics/figure.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// How machines were turned on and off over a run, by a policy or by faults.
class ScalingLog {
 public:
  explicit ScalingLog(const Scenario& scenario);

  void status_changed(InstanceId instance, double time_s, InstanceStatus status);
  void pool_changed(InstanceId instance, PoolRole role);
  /// Once, when the run is over.
  void end(double end_s);

  /// Machines are on while one of their instances is.
  double machine_hours() const;

 private:
  friend struct ScalingUse;
  struct Machine {
    std::size_t pool;
    InstanceId first;
    std::uint32_t instances;
    std::uint32_t on = 0;  ///< instances that are not off
    double since_s = 0;
    double on_s = 0;
  };
  enum class Way : std::uint8_t { kNone, kUp, kDown };
  struct Pool {
    Way last = Way::kNone;
    double last_s = -1;
  };

  void went(std::size_t index, double time_s, Way way);

  std::string policy_;
  std::vector<Machine> machines_;
  std::uint64_t own_machines_ = 0;         ///< not borrowed from another pool
  std::vector<std::uint32_t> machine_of_;  ///< by instance
  std::vector<InstanceStatus> statuses_;
  std::vector<PoolRole>
      sides_;  ///< by instance: prompt or token, where it was lent to the mixed pool, too
  std::vector<Pool> pools_;
  std::uint64_t starts_ = 0;
  std::uint64_t stops_ = 0;
  std::uint64_t reversals_ = 0;
  std::uint64_t side_changes_ = 0;
  double end_s_ = 0;
};

/// That, beside what the traffic needed.
struct ScalingUse {
  const ScalingLog& log;
  double hindsight_machine_hours;

  static const FigureTable<ScalingUse>& figures();
};

}  // namespace cleave
