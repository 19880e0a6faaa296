#include <algorithm>

#include "sim/machine/instance.h"

namespace cleave {

void Instance::select() {
  if (batch_.empty()) next_batch_key_ = 0;
  added_ = RequestList(requests_->links);
  chosen_ = 0;
  batch_tokens_ = 0;

  take_starved();
  take_prompts();
  take_blocked();
  put_aside_beyond_limits();
  chosen_ += batch_.size();
  batch_tokens_ += batch_.size();
  take_by_arrival();
  batch_.append(added_);
  // Only now do the chosen leave the queue: what was put aside found its place with them still in
  // it.
  for (const TaskId task : taken_) pending_.erase(task);
  taken_.clear();
  ++selections_;
}

bool Instance::has_place(RequestId request) const {
  const BatchingSpec& limits = kind_->batching;
  if (begins(request) && in_progress_ >= limits.max_sequences) return false;
  return chosen_ < limits.max_sequences &&
         (chosen_ == 0 || batch_tokens_ + work_of(request) <= limits.max_prompt_tokens);
}

bool Instance::may_start(RequestId request) const {
  const RequestState& state = (*requests_)[request];
  if (state.standing == Standing::kBlocked) return true;
  const std::uint32_t needed = kv_to_start(request);
  if (needed == 0) return true;
  // What has come further goes first.
  const bool fresh = state.phase == Phase::kPrompt && state.generated == 0;
  if (fresh && transfers_expected_ > 0 && !kind_->batching.as_published) return false;
  return fits(needed);
}

void Instance::take_starved() {
  TaskId task = pending_.front();
  while (task != kNoTask && passed_over(task) >= kind_->batching.max_preemptions) {
    const TaskId next = pending_.after(task);
    const RequestId request = request_of(task);
    if (!has_place(request)) return;
    if (may_start(request)) take(request);
    task = next;
  }
}

void Instance::take_prompts() {
  while (!prompt_queue_.empty()) {
    const RequestId request = prompt_queue_.first();
    if (!has_place(request) || !may_start(request)) return;
    take(request);
  }
}

void Instance::take_blocked() {
  while (!blocked_.empty()) {
    const RequestId request = blocked_.first();
    if (!has_place(request)) return;
    take(request);
  }
}

void Instance::put_aside_beyond_limits() {
  const BatchingSpec& limits = kind_->batching;
  const std::uint32_t tokens_left =
      batch_tokens_ < limits.max_prompt_tokens ? limits.max_prompt_tokens - batch_tokens_ : 0;
  const std::uint32_t kept = std::min({batch_.size(), limits.max_sequences - chosen_, tokens_left});
  if (kept == batch_.size()) return;
  RequestId request = batch_.last();
  for (std::uint32_t i = kept + 1; i < batch_.size(); ++i) request = batch_.before(request);
  while (request != kNoRequest) {
    const RequestId next = batch_.after(request);
    put_aside(request);
    request = next;
  }
}

void Instance::take_by_arrival() {
  while (!waiting_.empty()) {
    const RequestId request = waiting_.top().id;
    if (!has_place(request) || !may_start(request)) return;
    take(request);
  }
}

void Instance::take(RequestId request) {
  RequestState& state = (*requests_)[request];
  state.passed_over = passed_over(task_of(request, state.phase));
  const std::uint32_t work = work_of(request);
  if (state.standing != Standing::kBlocked) {
    const std::uint32_t kv_tokens = kv_to_start(request);
    state.held_tokens += kv_tokens;
    if (kv_tokens > 0) hold(kv_tokens);
  }
  leave_queue(request);
  if (in_common_queue(state.phase)) taken_.push_back(task_of(request, state.phase));
  added_.push_back(request);
  begin_progress(request);
  state.standing = Standing::kRunning;
  const std::uint64_t batch_key = next_batch_key_++;
  ++chosen_;
  batch_tokens_ += work;
  if (state.phase == Phase::kPrompt) {
    ++prompts_;
    prompt_tokens_ += work;
    squared_prompt_tokens_ += static_cast<double>(work) * work;
    new_prompts_.push_back(request);
    finishing_.push({steps_ + 1, batch_key}, request);
    return;
  }
  ++decodes_;
  state.token_task_queued = false;
  state.joined_step = steps_;
  state.joined_segment = gaps_.segments();
  kv_tokens_ += state.record.prompt_tokens + state.generated;
  joined_.push_back(request);
  finishing_.push({steps_ + state.remaining(), batch_key}, request);
}

void Instance::settle(RequestId request) {
  RequestState& state = (*requests_)[request];
  const auto steps = static_cast<std::uint32_t>(steps_ - state.joined_step);
  if (steps == 0) {
    std::erase(joined_, request);
    return;
  }
  state.generated += steps;
  state.held_tokens += steps * kind_->memory->growth();
  state.record.largest_gap_s =
      std::max(state.record.largest_gap_s, gaps_.longest_since(state.joined_segment));
  state.last_token_s = clock_->now();
}

void Instance::leave_batch(RequestId request) {
  const RequestState& state = (*requests_)[request];
  batch_.erase(request);
  batch_tokens_ -= work_of(request);
  if (state.phase == Phase::kPrompt) {
    const std::uint32_t work = state.prompt_work();
    --prompts_;
    prompt_tokens_ -= work;
    squared_prompt_tokens_ -= static_cast<double>(work) * work;
  } else {
    --decodes_;
    kv_tokens_ -= state.record.prompt_tokens + state.generated;
  }
}

void Instance::put_aside(RequestId request) {
  RequestState& state = (*requests_)[request];
  settle(request);
  // The tokens of the batch are being counted anew while it is selected.
  ++batch_tokens_;
  leave_batch(request);
  finishing_.erase(request);
  state.standing = Standing::kBlocked;
  state.passed_over = selections_ - state.passed_over;
  ++state.record.preemptions;
  blocked_.push_back(request);
  wait(request);
  enqueue(task_of(request, Phase::kToken));
}

// Whether caches had to be dropped for it: of the sequences put aside the last, else the last that
// joined.
bool Instance::make_room_to_grow() {
  const std::int64_t growth = kind_->memory->growth();
  const std::uint32_t dropped_before = dropped_;
  while (decodes_ > 0 && used_tokens_ + growth * decodes_ > capacity_tokens_) {
    RequestId victim = blocked_.last();
    if (victim == kNoRequest) {
      victim = batch_.last();
      while ((*requests_)[victim].phase == Phase::kPrompt) victim = batch_.before(victim);
    }
    drop_cache(victim);
  }
  return dropped_ > dropped_before;
}

void Instance::drop_cache(RequestId request) {
  RequestState& state = (*requests_)[request];
  if (state.standing == Standing::kBlocked) {
    leave_queue(request);
    pending_.erase(task_of(request, Phase::kToken));
  } else {
    settle(request);
    leave_batch(request);
    finishing_.erase(request);
  }
  ++state.record.preemptions;
  used_tokens_ -= state.held_tokens;
  state.held_tokens = 0;
  report_memory();
  end_progress(request);
  state.phase = Phase::kPrompt;
  state.standing = Standing::kWaiting;
  state.passed_over = selections_;
  ++dropped_;
  prompt_queue_.push_front(request);
  if (in_common_queue(Phase::kPrompt)) {
    wait(request);
    enqueue(task_of(request, Phase::kPrompt));
  }
}

}  // namespace cleave
