#pragma once

#include <cstdint>

#include "sim/base/registry.h"
#include "sim/core/ids.h"
#include "sim/engine/clock.h"

namespace cleave {

/// Whoever starts transfers.
class AdmissionClient {
 public:
  virtual ~AdmissionClient() = default;
  /// Tries to start the transfer of `request`: true once its memory on `to` is reserved.
  virtual bool admit(RequestId request, InstanceId to) = 0;
};

/// When a transfer that finds no room on its token instance tries again. Scenario:
/// `kv_transfer.admission`. An implementation must ask for each that waits until it is admitted or
/// forgotten, must not ask for others, and calls nothing but admit() of its client, from
/// room_made() or at an event of its own, never from wait() or forget().
class Admission {
 public:
  virtual ~Admission() = default;
  /// The transfer could not start; it is not waiting already.
  virtual void wait(RequestId request, InstanceId to) = 0;
  /// Memory was freed on `to`, or the cluster came to rest.
  virtual void room_made(InstanceId to) = 0;
  /// Transfers to `to` that wait have to queue behind others.
  virtual bool has_queue(InstanceId to) const = 0;
  virtual void forget(RequestId request, InstanceId to) = 0;
};

struct AdmissionContext {
  Clock& clock;
  AdmissionClient& client;
  std::size_t instances;
};
using Admissions = Registry<Admission, const AdmissionContext&>;

}  // namespace cleave
