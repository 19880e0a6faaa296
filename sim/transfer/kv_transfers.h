#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "sim/engine/clock.h"
#include "sim/fabric/fabric.h"
#include "sim/machine/instance.h"
#include "sim/transfer/admission.h"
#include "sim/transfer/transfer_policy.h"

namespace cleave {

/// Is told when a request's KV cache has wholly arrived on its token instance.
class KvTransferListener {
 public:
  virtual ~KvTransferListener() = default;
  virtual void kv_arrived(RequestId request) = 0;
  virtual void kv_lost(RequestId request) = 0;
  /// A cache on `from` waits for room on `to`.
  virtual void kv_waits(InstanceId from, InstanceId to) = 0;
};

/// What transfers are made of.
struct KvTransferKind {
  double bytes_per_token = 0;
  TransferPolicies::Make policy;
  Admissions::Make admission;
  std::function<std::unique_ptr<Fabric>(TransferListener&)> fabric;
};

/// Moves KV caches from prompt to token instances: waits for room there, reserves it, and starts
/// one flow a request.
class KvTransfers : public AdmissionClient, public TransferListener {
 public:
  KvTransfers(const KvTransferKind& kind, const std::vector<Endpoint>& endpoints, Clock& clock,
              RequestTable& requests, std::vector<Instance>& instances,
              KvTransferListener& listener, Observer& observer);

  /// The prompt phase of `request` began and will take `duration_s`: layers may leave from now on.
  void prompt_started(RequestId request, double duration_s);
  /// The prompt phase is done: the cache leaves now, unless it is on its way already.
  void prompt_finished(RequestId request);
  /// Memory was freed on `instance`.
  void room_made(InstanceId instance) { admission_->room_made(instance); }
  /// Where caches wait for room on `instance` and others on it wait for room elsewhere: the
  /// youngest of the latter; else kNoRequest.
  RequestId entangled(InstanceId instance) const;
  /// Gives up the transfer of `request`, wherever it stands.
  void drop(RequestId request);
  Fabric& fabric() { return *fabric_; }
  const TransferPolicy& policy() const { return *policy_; }

  bool admit(RequestId request, InstanceId to) override;
  void transfer_done(std::uint64_t tag) override;
  void transfer_failed(std::uint64_t tag) override;

 private:
  /// Caches that wait for room: into an instance, and out of it, prompt phase done.
  struct Line {
    std::uint32_t in = 0;
    std::vector<RequestId> out;
  };

  void ask_for_room(RequestId request);
  void join_line_out(RequestId request);
  void leave_line(RequestId request);
  void conclude(RequestId request);
  void arrived(std::uint64_t tag);
  double bytes_of(const FinishedRequest& record) const;

  Clock& clock_;
  RequestTable& requests_;
  std::vector<Instance>& instances_;
  KvTransferListener& listener_;
  Observer& observer_;
  const std::vector<Endpoint>& endpoints_;
  double bytes_per_token_;
  std::vector<Line> lines_;  ///< by InstanceId
  std::unique_ptr<Fabric> fabric_;
  std::unique_ptr<TransferPolicy> policy_;
  std::unique_ptr<Admission> admission_;
};

}  // namespace cleave
