#include <algorithm>
#include <utility>

#include "sim/machine/instance.h"

namespace cleave {

void Instance::withdraw(RequestId request) {
  if ((*requests_)[request].in(steps::kLoads)) memory_.drop_load(request);
  waiting_.withdraw(request);
  report_queue();
  if (idle()) listener_->instance_idle(id_);
}

void Instance::halt() {
  if (run_.under_way()) {
    clock_->cancel(run_.end);
    run_.iterations = std::min(run_.done(clock_->now()), run_.iterations - 1);
    if (run_.iterations > 0) report_run();
  }
  for (RequestId request = batch_.first(); request != kNoRequest; request = batch_.first()) {
    batch_.remove(request, clock_->now());
    waiting_.stop(request);
  }
  end_lingering();
  while (waiting_.first_loading() != kNoRequest) {
    const RequestId request = waiting_.first_loading();
    memory_.drop_load(request);
    came_back(request);
  }
  waiting_.stop();
  run_.paused = false;
  report_queue();
}

void Instance::empty_out(bool wanted) {
  empties_ = wanted;
  if (!wanted) return;
  send_waiting();
  if (run_.under_way()) pause();
}

// With their caches, those for which there is room.
void Instance::send_waiting() {
  for (TaskId task = waiting_.first_task(); task != kNoTask;) {
    const TaskId next = waiting_.after(task);
    const RequestId request = request_of(task);
    const RequestState& state = (*requests_)[request];
    if (phase_of(task) == Phase::kToken && state.in(Steps(Step::kTokenWaits, Step::kAside))) {
      if (listener_->finds_room(request, state.generated)) {
        waiting_.withdraw(request);
        listener_->gone(request);
      }
    }
    task = next;
  }
  report_queue();
}

// The same of those in the batch.
void Instance::send_sequences() {
  for (RequestId request = batch_.first(); request != kNoRequest;) {
    const RequestId next = batch_.after(request);
    if ((*requests_)[request].step() == Step::kToken &&
        listener_->finds_room(request, batch_.sequences().generated(request))) {
      batch_.remove(request, clock_->now());
      keep(request);
      waiting_.end_progress(request);
      listener_->gone(request);
    }
    request = next;
  }
}

void Instance::forget_transfer() {
  waiting_.forget_transfer();
  if (waiting_.transfers_expected() == 0) reconsider(Cause::kRoom);
}

bool Instance::admits(std::uint32_t kv_tokens) {
  return waiting_.dropped() == 0 && selection().fits(kv_tokens);
}

void Instance::hold(std::uint32_t kv_tokens) {
  memory_.hold(kv_tokens);
  if (run_.under_way()) shorten(batch_.iterations_within(memory_.free(), run_.iterations));
}

void Instance::release(std::uint32_t kv_tokens) {
  memory_.release(kv_tokens);
  reconsider(Cause::kRoom);
}

bool Instance::receive(RequestId request, std::uint32_t generated) {
  RequestState& state = (*requests_)[request];
  const Content& content = requests_->contents[request];
  const std::uint32_t tokens = state.cache_tokens(generated);
  const PrefixHit found = memory_.find(content, tokens);
  const std::uint32_t later = state.record.output_tokens - std::max(generated, 1U);
  const std::uint32_t own = memory_.to_receive(tokens, later) - found.tokens;
  if (!admits(own + found.unused_tokens)) return false;
  memory_.use(content, found);
  hold(own);
  state.sent_tokens = own;
  state.sent_shared_tokens = found.tokens;
  return true;
}

void Instance::received(RequestId request) {
  RequestState& state = (*requests_)[request];
  memory_.keep(state, requests_->contents[request], state.cache_tokens(state.generated));
}

void Instance::loaded(RequestId request, std::uint32_t blocks) {
  RequestState& state = (*requests_)[request];
  memory_.end_load(state, requests_->contents[request], memory_.tokens_of(blocks));
  came_back(request);
  reconsider(Cause::kRoom);
  listener_->room_made(id_);
}

void Instance::came_back(RequestId request) {
  RequestState& state = (*requests_)[request];
  waiting_.come_back(request);
  state.go(state.step() == Step::kRedoLoads ? Step::kRedoWaits : Step::kPromptWaits);
}

}  // namespace cleave
