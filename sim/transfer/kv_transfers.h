#pragma once

#include <memory>
#include <vector>

#include "sim/engine/engine.h"
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
};

/// Moves KV caches from prompt to token instances: waits for room there, reserves it, and starts
/// one flow a request.
class KvTransfers : public AdmissionClient, public TransferListener {
 public:
  KvTransfers(const Scenario& scenario, const std::vector<Endpoint>& endpoints,
              double kv_bytes_per_token, double speedup, Engine& engine, RequestTable& requests,
              std::vector<Instance>& instances, KvTransferListener& listener, Observer& observer);

  /// The prompt phase of `request` began and will take `duration_s`: layers may leave from now on.
  void prompt_started(RequestId request, double duration_s);
  /// The prompt phase is done: the cache leaves now, unless it is on its way already.
  void prompt_finished(RequestId request);
  /// Memory was freed on `instance`.
  void room_made(InstanceId instance) { admission_->room_made(instance); }
  /// Gives up the transfer of `request`, wherever it stands.
  void drop(RequestId request);
  Fabric& fabric() { return *fabric_; }
  const TransferPolicy& policy() const { return *policy_; }

  bool admit(RequestId request, InstanceId to) override;
  void transfer_done(std::uint64_t tag) override;
  void transfer_failed(std::uint64_t tag) override;

 private:
  void ask_for_room(RequestId request);
  void conclude(RequestId request);
  void arrived(std::uint64_t tag);
  double bytes_of(const FinishedRequest& record) const;

  Engine& engine_;
  RequestTable& requests_;
  std::vector<Instance>& instances_;
  KvTransferListener& listener_;
  Observer& observer_;
  const std::vector<Endpoint>& endpoints_;
  double bytes_per_token_;
  std::unique_ptr<Fabric> fabric_;
  std::unique_ptr<TransferPolicy> policy_;
  std::unique_ptr<Admission> admission_;
};

}  // namespace cleave
