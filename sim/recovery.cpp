#include <algorithm>

#include "sim/cluster.h"

namespace cleave {

// With memory reserved ahead, instances can fill up with caches that wait for one another's room,
// so that nothing is left to happen although requests wait. The request that arrived last and holds
// memory then gives it back and starts again from its prompt; one more each time that this brought
// nothing to its end, as what one gives back can be too little for any other.
bool Cluster::recover() {
  std::vector<RequestId> holders;
  for (RequestId request = 0; request < requests_.states.size(); ++request) {
    const RequestState& state = requests_[request];
    if (state.active && state.held_tokens + state.sent_tokens > 0) holders.push_back(request);
  }
  if (holders.empty()) return false;
  if (totals_.completed > completed_at_last_recovery_) recoveries_without_progress_ = 0;
  completed_at_last_recovery_ = totals_.completed;
  if (++recoveries_without_progress_ > requests_.states.size()) return false;
  std::sort(holders.begin(), holders.end(), [&](RequestId a, RequestId b) {
    return requests_[a].record.number > requests_[b].record.number;
  });
  if (holders.size() > recoveries_without_progress_) holders.resize(recoveries_without_progress_);
  // All is given back before any of it is used again.
  std::vector<std::uint32_t> freed(instances_.size());
  for (const RequestId request : holders) {
    const GivenBack back = take_back(request);
    freed[back.here] += back.held_tokens;
    if (back.sent_tokens > 0) freed[back.to] += back.sent_tokens;
  }
  for (Instance& instance : instances_) {
    instance.release(freed[instance.id()]);
    instance.wake();
    transfers_->room_made(instance.id());
  }
  std::reverse(holders.begin(), holders.end());
  for (const RequestId request : holders) begin(request);
  return true;
}

Cluster::GivenBack Cluster::take_back(RequestId request) {
  RequestState& state = requests_[request];
  GivenBack back;
  back.to = state.record.token_instance;
  back.here = state.stage == Stage::kToken ? back.to : state.record.prompt_instance;
  if (state.standing != Standing::kAway) instances_[back.here].withdraw(request);
  transfers_->drop(request);
  unload(state);
  back.held_tokens = state.held_tokens;
  back.sent_tokens = state.sent_tokens;
  state.held_tokens = 0;
  state.sent_tokens = 0;
  state.generated = 0;
  state.phase = Phase::kPrompt;
  state.stage = Stage::kPrompt;
  ++state.record.restarts;
  ++totals_.restarts;
  return back;
}

void Cluster::restart(RequestId request) {
  const GivenBack back = take_back(request);
  release(back.here, back.held_tokens);
  if (back.sent_tokens > 0) release(back.to, back.sent_tokens);
  begin(request);
}

}  // namespace cleave
