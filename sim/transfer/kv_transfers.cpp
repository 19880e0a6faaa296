#include "sim/transfer/kv_transfers.h"

#include <algorithm>
#include <string>

namespace cleave {

namespace {

constexpr double kRounding = 1e-6;

}  // namespace

KvTransfers::KvTransfers(const KvTransferKind& kind, const std::vector<Endpoint>& endpoints,
                         Clock& clock, RequestTable& requests, std::vector<Instance>& instances,
                         KvTransferListener& listener, Observer& observer)
    : clock_(clock),
      requests_(requests),
      instances_(instances),
      listener_(listener),
      observer_(observer),
      endpoints_(endpoints),
      bytes_per_token_(kind.bytes_per_token),
      lines_(instances.size()),
      fabric_(kind.fabric(*this)),
      policy_(kind.policy()),
      admission_(kind.admission({clock, *this, instances.size()})) {}

double KvTransfers::bytes_of(const FinishedRequest& record) const {
  return record.prompt_tokens * bytes_per_token_;
}

void KvTransfers::prompt_started(RequestId request, double duration_s) {
  RequestState& state = requests_[request];
  if (!policy_->layer_by_layer(state.record.prompt_tokens)) return;
  state.overlap_until_s = clock_.now() + duration_s;
  state.go(Step::kPromptNoRoom);
  ask_for_room(request);
}

void KvTransfers::prompt_finished(RequestId request) {
  RequestState& state = requests_[request];
  switch (state.step()) {
    case Step::kPrompt:
      state.go(Step::kNoRoom);
      ask_for_room(request);
      break;
    case Step::kPromptNoRoom:
      state.go(Step::kNoRoom);
      join_line_out(request);
      break;
    case Step::kPromptSends:
      state.go(Step::kSends);
      break;
    default:
      conclude(request);
  }
}

void KvTransfers::ask_for_room(RequestId request) {
  RequestState& state = requests_[request];
  const InstanceId to = state.record.token_instance;
  state.record.transfer_ready_s = clock_.now();
  if (!admission_->has_queue(to) && admit(request, to)) return;
  admission_->wait(request, to);
  state.in_line = true;
  ++lines_[to].in;
  instances_[to].expect_transfer();
  if (state.step() == Step::kNoRoom) join_line_out(request);
}

void KvTransfers::join_line_out(RequestId request) {
  RequestState& state = requests_[request];
  std::vector<RequestId>& out = lines_[state.record.prompt_instance].out;
  out.push_back(request);
  state.line_place = static_cast<std::uint32_t>(out.size());
  listener_.kv_waits(state.record.prompt_instance, state.record.token_instance);
}

void KvTransfers::leave_line(RequestId request) {
  RequestState& state = requests_[request];
  if (!state.in_line) return;
  state.in_line = false;
  const InstanceId to = state.record.token_instance;
  if (state.line_place > 0) {
    std::vector<RequestId>& out = lines_[state.record.prompt_instance].out;
    out[state.line_place - 1] = out.back();
    requests_[out.back()].line_place = state.line_place;
    out.pop_back();
    state.line_place = 0;
  }
  --lines_[to].in;
  instances_[to].forget_transfer();
}

RequestId KvTransfers::entangled(InstanceId instance) const {
  const Line& line = lines_[instance];
  if (line.in == 0 || line.out.empty()) return kNoRequest;
  return *std::max_element(line.out.begin(), line.out.end(), [&](RequestId a, RequestId b) {
    return requests_[a].record.number < requests_[b].record.number;
  });
}

bool KvTransfers::admit(RequestId request, InstanceId to) {
  RequestState& state = requests_[request];
  const std::uint32_t kv_tokens = instances_[to].kv_to_receive(state);
  if (!instances_[to].admits(kv_tokens)) return false;
  instances_[to].hold(kv_tokens);
  state.sent_tokens = kv_tokens;
  state.go(state.step() == Step::kNoRoom ? Step::kSends : Step::kPromptSends);
  state.record.transfer_start_s = clock_.now();
  const double bytes = bytes_of(state.record);
  // Layers cannot leave faster than they are computed.
  const double overlap_s = state.overlap_until_s - clock_.now();
  state.transfer = fabric_->start(state.record.prompt_instance, to, bytes,
                                  overlap_s > 0 ? bytes / overlap_s : 0, request);
  leave_line(request);
  return true;
}

void KvTransfers::transfer_done(std::uint64_t tag) {
  const auto request = static_cast<RequestId>(tag);
  RequestState& state = requests_[request];
  state.transfer = kNoTransfer;
  if (state.step() == Step::kPromptSends) {
    state.go(Step::kPromptSent);
  } else {
    conclude(request);
  }
}

void KvTransfers::conclude(RequestId request) {
  RequestState& state = requests_[request];
  const double sync_s = endpoints_[state.record.prompt_instance].kv_sync_s;
  if (state.overlap_until_s == 0 || sync_s == 0) {
    arrived(request);
    return;
  }
  state.go(Step::kSyncs);
  state.concluding = clock_.at<&KvTransfers::arrived>(clock_.now() + sync_s, this, request);
}

void KvTransfers::arrived(std::uint64_t tag) {
  const auto request = static_cast<RequestId>(tag);
  RequestState& state = requests_[request];
  FinishedRequest& record = state.record;
  record.transfer_end_s = clock_.now();
  const double bytes = bytes_of(record);
  double ideal_s = fabric_->ideal_s(record.prompt_instance, record.token_instance, bytes);
  if (state.overlap_until_s > 0) {
    ideal_s = std::max(ideal_s, state.overlap_until_s - record.transfer_start_s) +
              endpoints_[record.prompt_instance].kv_sync_s;
  }
  if (record.transfer_end_s - record.transfer_start_s < ideal_s * (1 - kRounding)) {
    broken_invariant("the KV cache of request " + std::to_string(record.number) +
                     " moved faster than its links allow");
  }
  observer_.transferred(record.prompt_instance, record.token_instance, record.transfer_start_s,
                        record.transfer_end_s, bytes, ideal_s);
  state.concluding = kNoEvent;
  state.overlap_until_s = 0;
  listener_.kv_arrived(request);
}

void KvTransfers::transfer_failed(std::uint64_t tag) {
  const auto request = static_cast<RequestId>(tag);
  RequestState& state = requests_[request];
  state.transfer = kNoTransfer;
  state.overlap_until_s = 0;
  if (state.step() == Step::kPromptSends) state.go(Step::kPrompt);
  listener_.kv_lost(request);
}

void KvTransfers::drop(RequestId request) {
  RequestState& state = requests_[request];
  if (state.in_line) {
    admission_->forget(request, state.record.token_instance);
    leave_line(request);
  }
  if (state.transfer != kNoTransfer) fabric_->cancel(state.transfer);
  state.transfer = kNoTransfer;
  clock_.cancel(state.concluding);
  state.overlap_until_s = 0;
  if (state.in(steps::kLayersLeave)) state.go(Step::kPrompt);
}

}  // namespace cleave
