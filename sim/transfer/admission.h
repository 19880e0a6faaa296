#pragma once

#include <cstdint>

#include "sim/base/registry.h"
#include "sim/core/ids.h"
#include "sim/engine/clock.h"

namespace cleave {

/// Tries to start a transfer: true once its memory on the token instance is reserved.
class AdmissionClient {
 public:
  virtual ~AdmissionClient() = default;
  virtual bool admit(RequestId request, InstanceId to) = 0;
};

/// When a transfer that finds no room on its token instance tries again. Scenario:
/// `kv_transfer.admission`.
class Admission {
 public:
  virtual ~Admission() = default;
  /// The transfer could not start; each is asked for once until it is admitted or forgotten.
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
