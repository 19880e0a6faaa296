#include "sim/transfer/kv_transfers.h"

#include <algorithm>
#include <limits>
#include <string>

namespace cleave {

namespace {

constexpr double kRounding = 1e-6;
/// Of the time of day, by which the few sums that make up a transfer's end may be rounded.
constexpr double kClockRounding = 8 * std::numeric_limits<double>::epsilon();
/// Neighbours in memory are posted as one, as engines do with pages of a token.
constexpr std::uint32_t kTokensTogether = 16;

}  // namespace

KvTransfers::KvTransfers(const KvTransferKind& kind, const std::vector<Endpoint>& endpoints,
                         Clock& clock, RequestTable& requests, std::vector<Instance>& instances,
                         Fabric& fabric, KvTransferListener& listener, Observer& observer)
    : clock_(clock),
      requests_(requests),
      instances_(instances),
      fabric_(fabric),
      listener_(listener),
      observer_(observer),
      endpoints_(endpoints),
      lines_(instances.size()),
      policy_(kind.policy()),
      admission_(kind.admission({clock, *this, instances.size()})) {}

// Two instances whose prompts have room on one another would take turns to preempt them for ever.
Leaving KvTransfers::leaving(RequestId request) const {
  const FinishedRequest& record = requests_[request].record;
  return record.preemptions > 0 ? Leaving::kWhole : policy_->leaving(record.prompt_tokens);
}

void KvTransfers::chunk_started(RequestId request, bool last, double duration_s) {
  RequestState& state = requests_[request];
  const Leaving leaving = this->leaving(request);
  if (leaving == Leaving::kWhole) return;
  if (state.step() == Step::kPrompt) {
    state.go(Step::kPromptNoRoom);
    ask_for_room(request);
  }
  if (last && leaving == Leaving::kLayers) {
    add_part(request, state.record.prompt_tokens, clock_.now() + duration_s);
  }
}

void KvTransfers::chunk_finished(RequestId request, std::uint32_t computed) {
  const RequestState& state = requests_[request];
  if (!state.in(steps::kLeaves)) return;
  const std::uint32_t block = endpoints_[state.source].kv_block_tokens;
  add_part(request, computed / block * block, 0);
}

void KvTransfers::prompt_finished(RequestId request) {
  RequestState& state = requests_[request];
  const Step before = state.step();
  if (before == Step::kPromptSent && departures_[request].tokens == state.record.prompt_tokens) {
    conclude(request);
    return;
  }
  state.go(before == Step::kPromptSends || before == Step::kPromptSent ? Step::kSends
                                                                       : Step::kNoRoom);
  add_part(request, state.record.prompt_tokens, 0);
  if (before == Step::kPrompt) {
    ask_for_room(request);
  } else if (before == Step::kPromptNoRoom) {
    join_line_out(request);
  }
}

bool KvTransfers::reserve(RequestId request, InstanceId to, std::uint32_t generated) {
  return lines_[to].in == 0 && instances_[to].receive(request, generated);
}

void KvTransfers::move(RequestId request) {
  RequestState& state = requests_[request];
  Departure& departure = this->departure(request);
  departure.coming = true;
  departure.decodes = true;
  ++lines_[state.record.token_instance].coming;
  state.go(Step::kSends);
  departure.there = state.sent_shared_tokens;
  add_part(request, state.cache_tokens(state.generated), 0);
}

void KvTransfers::ask_for_room(RequestId request) {
  RequestState& state = requests_[request];
  const InstanceId to = state.record.token_instance;
  departure(request).coming = true;
  ++lines_[to].coming;
  if (!admission_->has_queue(to) && admit(request, to)) return;
  admission_->wait(request, to);
  state.in_line = true;
  ++lines_[to].in;
  instances_[to].expect_transfer();
  if (state.step() == Step::kNoRoom) join_line_out(request);
}

void KvTransfers::join_line_out(RequestId request) {
  RequestState& state = requests_[request];
  std::vector<RequestId>& out = lines_[state.source].out;
  out.push_back(request);
  state.line_place = static_cast<std::uint32_t>(out.size());
  listener_.kv_waits(state.source, state.record.token_instance);
}

void KvTransfers::leave_line(RequestId request) {
  RequestState& state = requests_[request];
  if (!state.in_line) return;
  state.in_line = false;
  const InstanceId to = state.record.token_instance;
  if (state.line_place > 0) {
    std::vector<RequestId>& out = lines_[state.source].out;
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
  if (!instances_[to].receive(request, state.generated)) return false;
  leave_out(departures_[request], state.sent_shared_tokens);
  state.go(state.step() == Step::kNoRoom ? Step::kSends : Step::kPromptSent);
  send_next(request);
  leave_line(request);
  return true;
}

KvTransfers::Departure& KvTransfers::departure(RequestId request) {
  if (request >= departures_.size()) departures_.resize(requests_.states.size());
  return departures_[request];
}

// The prompt's tokens from those of the part before up to here.
void KvTransfers::add_part(RequestId request, std::uint32_t up_to, double until_s) {
  RequestState& state = requests_[request];
  Departure& departure = this->departure(request);
  if (up_to == departure.tokens) return;
  if (departure.tokens == 0 && !departure.decodes) state.record.transfer_ready_s = clock_.now();
  const std::uint32_t from = std::max(departure.tokens, departure.there);
  departure.tokens = up_to;
  if (up_to <= from) return;
  departure.parts.push_back(
      {up_to - from, clock_.now(), until_s, up_to >= state.record.prompt_tokens});
  const bool flows = state.transfer != kNoTransfer || state.transfer_event != kNoEvent;
  if (!flows && state.in(Steps(Step::kPromptSent, Step::kSends))) send_next(request);
}

// The first tokens are in the prefix cache of the token instance: they need not leave. Nothing has
// left so far.
void KvTransfers::leave_out(Departure& departure, std::uint32_t there) {
  departure.there = there;
  std::erase_if(departure.parts, [&there](Part& part) {
    const std::uint32_t out = std::min(part.tokens, there);
    there -= out;
    part.tokens -= out;
    return part.tokens == 0;
  });
}

// The next part, if there is one.
void KvTransfers::send_next(RequestId request) {
  RequestState& state = requests_[request];
  Departure& departure = departures_[request];
  if (departure.sent == departure.parts.size()) return;
  const Part& part = departure.parts[departure.sent++];
  const InstanceId from = state.source;
  if (state.step() == Step::kPromptSent) state.go(Step::kPromptSends);
  if (departure.sent == 1) departure.start_s = clock_.now();
  const double start_s = departure.start_s;
  const double post_s = posting_s(from, part.tokens);
  departure.ideal_s =
      std::max(departure.ideal_s, part.ready_s - start_s) + post_s +
      fabric_.ideal_s(from, state.record.token_instance, bytes_of(request, part.tokens, part.last));
  departure.ideal_s = std::max(departure.ideal_s, part.until_s - start_s);
  if (post_s > 0) {
    state.transfer_event = clock_.at<&KvTransfers::posted>(clock_.now() + post_s, this, request);
  } else {
    posted(request);
  }
}

// A state is whole when the prompt is: it leaves with its last tokens.
double KvTransfers::bytes_of(RequestId request, std::uint32_t tokens, bool last) const {
  const Endpoint& from = endpoints_[requests_[request].source];
  return tokens * from.kv_bytes_per_token + (last ? from.kv_state_bytes : 0);
}

double KvTransfers::posting_s(InstanceId from, std::uint32_t tokens) const {
  const PostingCost cost = policy_->cost();
  const std::uint32_t block = endpoints_[from].kv_block_tokens;
  const std::uint32_t together =
      cost.descriptors_per_block ? block : std::max(block, kTokensTogether);
  const double blocks = (tokens + together - 1) / together;
  return cost.setup_s + blocks * cost.descriptors_per_block.value_or(endpoints_[from].kv_parts) *
                            cost.descriptor_s;
}

void KvTransfers::posted(std::uint64_t tag) {
  const auto request = static_cast<RequestId>(tag);
  RequestState& state = requests_[request];
  state.transfer_event = kNoEvent;
  const Departure& departure = departures_[request];
  const Part& part = departure.parts[departure.sent - 1];
  const double bytes = bytes_of(request, part.tokens, part.last);
  // Layers cannot leave faster than they are computed.
  const double overlap_s = part.until_s - clock_.now();
  state.transfer = fabric_.start(state.source, state.record.token_instance, bytes,
                                 overlap_s > 0 ? bytes / overlap_s : 0, *this, request);
}

void KvTransfers::transfer_done(std::uint64_t tag) {
  const auto request = static_cast<RequestId>(tag);
  RequestState& state = requests_[request];
  state.transfer = kNoTransfer;
  if (departures_[request].sent < departures_[request].parts.size()) {
    send_next(request);
  } else if (state.step() == Step::kPromptSends) {
    state.go(Step::kPromptSent);
  } else {
    conclude(request);
  }
}

void KvTransfers::conclude(RequestId request) {
  RequestState& state = requests_[request];
  const double sync_s = endpoints_[state.source].kv_sync_s;
  if (departures_[request].parts.back().until_s == 0 || sync_s == 0) {
    arrived(request);
    return;
  }
  state.go(Step::kSyncs);
  state.transfer_event = clock_.at<&KvTransfers::arrived>(clock_.now() + sync_s, this, request);
}

void KvTransfers::arrived(std::uint64_t tag) {
  const auto request = static_cast<RequestId>(tag);
  RequestState& state = requests_[request];
  FinishedRequest& record = state.record;
  const Departure& departure = departures_[request];
  double ideal_s = departure.ideal_s;
  if (departure.parts.back().until_s > 0) ideal_s += endpoints_[state.source].kv_sync_s;
  const double now_s = clock_.now();
  if (now_s - departure.start_s < ideal_s * (1 - kRounding) - kClockRounding * now_s) {
    broken_invariant("the KV cache of request " + std::to_string(record.number) +
                     " moved faster than its links allow");
  }
  observer_.transferred(state.source, record.token_instance, departure.start_s, now_s,
                        bytes_of(request, departure.tokens - departure.there, true), ideal_s);
  if (!departure.decodes) {
    record.transfer_start_s = departure.start_s;
    record.transfer_end_s = now_s;
  }
  state.transfer_event = kNoEvent;
  forget(request);
  listener_.kv_arrived(request);
}

// Nothing of it leaves any more.
void KvTransfers::forget(RequestId request) {
  Departure& departure = this->departure(request);
  if (departure.coming) --lines_[requests_[request].record.token_instance].coming;
  departure.coming = false;
  departure.decodes = false;
  departure.parts.clear();
  departure.sent = 0;
  departure.tokens = 0;
  departure.there = 0;
  departure.ideal_s = 0;
}

void KvTransfers::transfer_failed(std::uint64_t tag) {
  const auto request = static_cast<RequestId>(tag);
  RequestState& state = requests_[request];
  state.transfer = kNoTransfer;
  forget(request);
  if (state.step() == Step::kPromptSends) state.go(Step::kPrompt);
  listener_.kv_lost(request);
}

void KvTransfers::drop(RequestId request) {
  RequestState& state = requests_[request];
  if (state.in_line) {
    admission_->forget(request, state.record.token_instance);
    leave_line(request);
  }
  if (state.transfer != kNoTransfer) fabric_.cancel(state.transfer);
  state.transfer = kNoTransfer;
  clock_.cancel(state.transfer_event);
  forget(request);
  if (state.in(steps::kLeaves)) state.go(Step::kPrompt);
}

}  // namespace cleave
