#pragma once

#include <cstdint>
#include <vector>

#include "sim/engine/clock.h"
#include "sim/fabric/fabric.h"

namespace cleave {

/// Is told when an instance has all that it needs to work.
class StartUpListener {
 public:
  virtual ~StartUpListener() = default;
  virtual void started(InstanceId instance) = 0;
};

/// How an instance comes up: its weights come to its GPUs, then it warms up.
struct StartUpKind {
  double weight_bytes = 0;      ///< of an instance
  double disk_bytes_per_s = 0;  ///< its share of its machine's; 0: they come over the network
  double warm_up_s = 0;
  /// Without anybody else on the network.
  double alone_s(double store_bytes_per_s) const {
    const double bytes_per_s = disk_bytes_per_s > 0 ? disk_bytes_per_s : store_bytes_per_s;
    return (bytes_per_s > 0 ? weight_bytes / bytes_per_s : 0) + warm_up_s;
  }
};

/// The instances that are coming up. Weights come from a disk of the machine, at its speed, or from
/// a store, as flows of the fabric that share its links with everything else.
class StartUp : private TransferListener {
 public:
  /// `kinds` by InstanceId; `store` is where weights come from over the network.
  StartUp(std::vector<StartUpKind> kinds, InstanceId store, Clock& clock, Fabric& fabric,
          StartUpListener& listener);

  /// From now on, as its kind says.
  void begin(InstanceId instance);
  /// Or in so long a time.
  void begin(InstanceId instance, double seconds);
  /// It does not come up; nothing where it is not about to.
  void cancel(InstanceId instance);
  void cancel_all();

 private:
  void transfer_done(std::uint64_t instance) override;
  void transfer_failed(std::uint64_t instance) override;
  void ready(std::uint64_t instance);

  struct Coming {
    EventId event = kNoEvent;
    TransferId transfer = kNoTransfer;
  };
  std::vector<StartUpKind> kinds_;
  InstanceId store_;
  Clock& clock_;
  Fabric& fabric_;
  StartUpListener& listener_;
  std::vector<Coming> coming_;
};

}  // namespace cleave
