#include "sim/transfer/kv_transfers.h"

namespace cleave {

KvTransfers::KvTransfers(const Scenario& scenario, const std::vector<Endpoint>& endpoints,
                         double kv_bytes_per_token, double speedup, Engine& engine,
                         RequestTable& requests, std::vector<Instance>& instances,
                         KvTransferListener& listener, Observer& observer)
    : engine_(engine),
      requests_(requests),
      instances_(instances),
      listener_(listener),
      observer_(observer),
      bytes_per_token_(kv_bytes_per_token / speedup) {
  JsonReader fabric(scenario.fabric.settings, "fabric");
  fabric_ = Fabrics::make("fabric.topology", "topology", scenario.fabric.topology, fabric,
                          FabricContext{engine, *this, endpoints});
  JsonReader transfer(scenario.document["kv_transfer"], "kv_transfer");
  policy_ = TransferPolicies::make("kv_transfer.policy", "KV transfer policy",
                                   scenario.kv_transfer.policy, transfer);
  admission_ = Admissions::make(
      "kv_transfer.admission", "admission", scenario.kv_transfer.admission,
      AdmissionContext{engine, *this, scenario.kv_transfer, instances.size()});
}

void KvTransfers::send(RequestId request) {
  RequestState& state = requests_[request];
  const InstanceId to = state.record.token_instance;
  state.record.transfer_ready_s = engine_.now();
  if (admission_->has_queue(to) || !admit(request, to)) admission_->wait(request, to);
}

bool KvTransfers::admit(RequestId request, InstanceId to) {
  RequestState& state = requests_[request];
  const std::uint32_t kv_tokens = state.record.prompt_tokens + 1;
  if (!instances_[to].fits(kv_tokens)) return false;
  instances_[to].hold(kv_tokens);
  state.sent_tokens = kv_tokens;
  state.record.transfer_start_s = engine_.now();
  const double bytes = state.record.prompt_tokens * bytes_per_token_;
  fabric_->start(state.record.prompt_instance, to, bytes, 0, request);
  return true;
}

void KvTransfers::transfer_done(std::uint64_t tag) {
  const auto request = static_cast<RequestId>(tag);
  FinishedRequest& record = requests_[request].record;
  record.transfer_end_s = engine_.now();
  const double bytes = record.prompt_tokens * bytes_per_token_;
  observer_.transferred(record.prompt_instance, record.token_instance, record.transfer_start_s,
                        record.transfer_end_s, bytes,
                        fabric_->ideal_s(record.prompt_instance, record.token_instance, bytes));
  listener_.kv_arrived(request);
}

void KvTransfers::transfer_failed(std::uint64_t tag) {
  listener_.kv_lost(static_cast<RequestId>(tag));
}

void KvTransfers::forget(RequestId request) {
  admission_->forget(request, requests_[request].record.token_instance);
}

}  // namespace cleave
