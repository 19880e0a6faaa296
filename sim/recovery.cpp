#include "sim/cluster.h"

namespace cleave {

void Cluster::restart(RequestId request) {
  take_back(request);
  ++requests_[request].record.restarts;
  ++totals_.restarts;
  begin(request);
}

// Out of whatever it is in; what it holds becomes free, and it stands before its prompt again.
void Cluster::take_back(RequestId request) {
  RequestState& state = requests_[request];
  const InstanceId here =
      state.in(steps::kInTokenPhase) ? state.record.token_instance : state.source;
  if (state.in(steps::kWaits)) instances_[here].withdraw(request);
  transfers_->drop(request);
  unload(request);
  observer_.given_up(engine_.now(), state.generated);
  state.generated = 0;
  state.prefilled = 0;
  state.loaded_tokens = 0;
  state.load_failed = false;
  state.go(Step::kOutside);
  state.record.transfer_end_s = 0;
  state.record.token_start_s = 0;
  state.record.largest_gap_s = 0;
  state.record.aside_s = 0;
  release_held(here, request);
  release_sent(request);
}

// Prompts that stand still on an idle instance and have room elsewhere, while caches come to it.
std::vector<RequestId> Cluster::stuck_prompts(InstanceId id) const {
  std::vector<RequestId> stuck;
  if (!instances_[id].idle() || !transfers_->comes_to(id)) return stuck;
  for (const RequestId request : instances_[id].prompts()) {
    if (requests_[request].in(steps::kHasRoom)) stuck.push_back(request);
  }
  return stuck;
}

void Cluster::untangle_soon(InstanceId id) {
  if (can_deadlock_ || !instances_[id].idle() || instances_[id].loads()) return;
  if (transfers_->entangled(id) == kNoRequest && stuck_prompts(id).empty()) return;
  engine_.at<&Cluster::untangle>(engine_.now(), this, id);
}

// An instance whose memory is full of caches that wait for room elsewhere, while others wait for
// room here, may be part of a ring in which each waits for the next. It gives up the youngest of
// those caches, until the first that waits outside can come in; what is given up is computed again.
// Prompts that stand still there give up their room elsewhere first.
void Cluster::untangle(std::uint64_t id) {
  const auto instance = static_cast<InstanceId>(id);
  for (const RequestId request : stuck_prompts(instance)) lose_transfer(request);
  for (;;) {
    const RequestId youngest =
        instances_[instance].idle() ? transfers_->entangled(instance) : kNoRequest;
    if (youngest == kNoRequest) return;
    take_back(youngest);
    ++requests_[youngest].record.preemptions;
    begin(youngest);
  }
}

// As published, and with memory reserved in phases, instances can fill up with caches that wait for
// one another's room, so that nothing is left to happen although requests wait. The request that
// arrived last and holds memory then gives it back, until the others can go on; it begins again
// from its prompt once another has completed, or none holds memory any more.
bool Cluster::recover() {
  RequestId youngest = kNoRequest;
  for (RequestId request = 0; request < requests_.states.size(); ++request) {
    const RequestState& state = requests_[request];
    if (state.step() == Step::kGone || state.memory() == 0) continue;
    if (youngest == kNoRequest || state.record.number > requests_[youngest].record.number) {
      youngest = request;
    }
  }
  if (youngest == kNoRequest && held_back_.empty()) return false;
  if (!can_deadlock_) {
    broken_invariant("nothing is left to happen although request " +
                     std::to_string(requests_[youngest].record.number) + " holds memory");
  }
  if (totals_.completed > completed_at_last_recovery_) recoveries_without_progress_ = 0;
  completed_at_last_recovery_ = totals_.completed;
  if (++recoveries_without_progress_ > 2 * requests_.states.size()) return false;
  if (youngest == kNoRequest) {
    begin_held_back();
    return true;
  }
  take_back(youngest);
  ++requests_[youngest].record.restarts;
  ++totals_.deadlocks;
  requests_[youngest].record.prompt_instance = kNoInstance;
  requests_[youngest].record.token_instance = kNoInstance;
  held_back_.push_back(youngest);
  for (Instance& instance : instances_) {
    instance.wake();
    transfers_->room_made(instance.id());
  }
  return true;
}

void Cluster::begin_held_back() {
  if (held_back_.empty()) return;
  const RequestId oldest = held_back_.back();
  held_back_.pop_back();
  begin(oldest);
}

}  // namespace cleave
