#include "sim/transfer/kv_transfers.h"

#include <algorithm>

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
      endpoints_(endpoints),
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

double KvTransfers::bytes_of(const FinishedRequest& record) const {
  return record.prompt_tokens * bytes_per_token_;
}

void KvTransfers::prompt_started(RequestId request, double duration_s) {
  RequestState& state = requests_[request];
  if (!policy_->layer_by_layer(state.record.prompt_tokens)) return;
  state.overlap_until_s = engine_.now() + duration_s;
  ask_for_room(request);
}

void KvTransfers::prompt_finished(RequestId request) {
  RequestState& state = requests_[request];
  if (state.sending == Sending::kNot) {
    ask_for_room(request);
  } else if (state.sending == Sending::kArrived) {
    conclude(request);
  }
}

void KvTransfers::ask_for_room(RequestId request) {
  RequestState& state = requests_[request];
  const InstanceId to = state.record.token_instance;
  state.sending = Sending::kWaiting;
  state.record.transfer_ready_s = engine_.now();
  if (admission_->has_queue(to) || !admit(request, to)) admission_->wait(request, to);
}

bool KvTransfers::admit(RequestId request, InstanceId to) {
  RequestState& state = requests_[request];
  const std::uint32_t kv_tokens = state.record.prompt_tokens + 1;
  if (!instances_[to].fits(kv_tokens)) return false;
  instances_[to].hold(kv_tokens);
  state.sent_tokens = kv_tokens;
  state.sending = Sending::kFlowing;
  state.record.transfer_start_s = engine_.now();
  const double bytes = bytes_of(state.record);
  // Layers cannot leave faster than they are computed.
  const double overlap_s = state.overlap_until_s - engine_.now();
  state.transfer = fabric_->start(state.record.prompt_instance, to, bytes,
                                  overlap_s > 0 ? bytes / overlap_s : 0, request);
  return true;
}

void KvTransfers::transfer_done(std::uint64_t tag) {
  const auto request = static_cast<RequestId>(tag);
  RequestState& state = requests_[request];
  state.sending = Sending::kArrived;
  if (state.stage == Stage::kSending) conclude(request);
}

void KvTransfers::conclude(RequestId request) {
  RequestState& state = requests_[request];
  const double sync_s = endpoints_[state.record.prompt_instance].kv_sync_s;
  if (state.overlap_until_s == 0 || sync_s == 0) {
    arrived(request);
    return;
  }
  state.sending = Sending::kConcluding;
  state.concluding = engine_.at<&KvTransfers::arrived>(engine_.now() + sync_s, this, request);
}

void KvTransfers::arrived(std::uint64_t tag) {
  const auto request = static_cast<RequestId>(tag);
  RequestState& state = requests_[request];
  FinishedRequest& record = state.record;
  record.transfer_end_s = engine_.now();
  const double bytes = bytes_of(record);
  double ideal_s = fabric_->ideal_s(record.prompt_instance, record.token_instance, bytes);
  if (state.overlap_until_s > 0) {
    ideal_s = std::max(ideal_s, state.overlap_until_s - record.transfer_start_s) +
              endpoints_[record.prompt_instance].kv_sync_s;
  }
  observer_.transferred(record.prompt_instance, record.token_instance, record.transfer_start_s,
                        record.transfer_end_s, bytes, ideal_s);
  state.sending = Sending::kNot;
  state.overlap_until_s = 0;
  listener_.kv_arrived(request);
}

void KvTransfers::transfer_failed(std::uint64_t tag) {
  const auto request = static_cast<RequestId>(tag);
  requests_[request].sending = Sending::kNot;
  requests_[request].overlap_until_s = 0;
  listener_.kv_lost(request);
}

void KvTransfers::drop(RequestId request) {
  RequestState& state = requests_[request];
  if (state.sending == Sending::kWaiting) {
    admission_->forget(request, state.record.token_instance);
  } else if (state.sending == Sending::kFlowing) {
    fabric_->cancel(state.transfer);
  } else if (state.sending == Sending::kConcluding) {
    engine_.cancel(state.concluding);
  }
  state.sending = Sending::kNot;
  state.overlap_until_s = 0;
}

}  // namespace cleave
