#include "sim/machine/instance.h"

namespace cleave {

std::uint64_t Instance::passed_over(TaskId task) const {
  const RequestState& state = (*requests_)[request_of(task)];
  if (phase_of(task) != state.phase) return 0;
  if (state.standing == Standing::kRunning) return state.passed_over;
  return selections_ - state.passed_over;
}

void Instance::enqueue(TaskId task) {
  const std::uint64_t count = passed_over(task);
  const double arrival_s = (*requests_)[request_of(task)].record.arrival_s;
  pending_.insert(task, [&](TaskId other) {
    const std::uint64_t other_count = passed_over(other);
    // As published the least passed over stand in front, and hide those behind that starve.
    if (other_count != count) {
      return kind_->batching.as_published ? other_count > count : other_count < count;
    }
    return (*requests_)[request_of(other)].record.arrival_s > arrival_s;
  });
}

void Instance::wait(RequestId request) {
  RequestState& state = (*requests_)[request];
  waiting_.push({begins(request), state.record.arrival_s, arrivals_++}, request);
}

void Instance::leave_queue(RequestId request) {
  const RequestState& state = (*requests_)[request];
  if (in_common_queue(state.phase)) waiting_.erase(request);
  if (state.standing == Standing::kBlocked) {
    blocked_.erase(request);
  } else if (state.phase == Phase::kPrompt) {
    prompt_queue_.erase(request);
    if (state.generated > 0) --dropped_;
  }
}

void Instance::begin_progress(RequestId request) {
  bool& in_progress = (*requests_)[request].in_progress;
  if (!in_progress) ++in_progress_;
  in_progress = true;
}

void Instance::end_progress(RequestId request) {
  bool& in_progress = (*requests_)[request].in_progress;
  if (in_progress) --in_progress_;
  in_progress = false;
}

std::uint32_t Instance::work_of(RequestId request) const {
  const RequestState& state = (*requests_)[request];
  return state.phase == Phase::kPrompt ? state.prompt_work() : 1;
}

std::uint32_t Instance::kv_to_start(RequestId request) const {
  const RequestState& state = (*requests_)[request];
  if (state.phase == Phase::kToken) return kind_->memory->tokens_to_start(state.remaining());
  const bool stays = state.record.token_instance == id_;
  return state.prompt_work() + 1 +
         (stays ? kind_->memory->tokens_with_prompt(state.remaining() - 1) : 0);
}

std::uint32_t Instance::kv_to_receive(const RequestState& state) const {
  return state.record.prompt_tokens + 1 +
         kind_->memory->tokens_with_prompt(state.record.output_tokens - 1);
}

void Instance::arrive(RequestId request, bool token_task) {
  RequestState& state = (*requests_)[request];
  ++pool_size_;
  state.standing = Standing::kWaiting;
  state.passed_over = selections_;
  state.token_task_queued = token_task && kind_->batching.as_published;
  if (state.phase == Phase::kPrompt) prompt_queue_.push_back(request);
  const TaskId task = task_of(request, state.phase);
  if (in_common_queue(state.phase)) {
    wait(request);
    enqueue(task);
  }
  consider(task);
  if (state.token_task_queued) {
    enqueue(task_of(request, Phase::kToken));
    consider(task_of(request, Phase::kToken));
  }
  report_queue();
}

void Instance::withdraw(RequestId request) {
  RequestState& state = (*requests_)[request];
  if (state.standing == Standing::kRunning) {
    broken_invariant("request " + std::to_string(state.record.number) +
                     " was taken out of a batch");
  }
  leave_queue(request);
  if (in_common_queue(state.phase)) pending_.erase(task_of(request, state.phase));
  if (state.token_task_queued && state.phase == Phase::kPrompt) {
    pending_.erase(task_of(request, Phase::kToken));
  }
  state.token_task_queued = false;
  state.standing = Standing::kAway;
  end_progress(request);
  --pool_size_;
  report_queue();
  if (idle()) listener_->instance_idle(id_);
}

void Instance::consider(TaskId task) {
  if (kind_->batching.as_published) {
    consider_as_published(task);
  } else {
    reconsider();
  }
}

void Instance::reconsider() {
  if (ending_) return;
  if (batch_.empty()) {
    wake();
  } else if (!run_.paused && (prompt_may_join() || sequence_may_join())) {
    pause();
  }
}

bool Instance::prompt_may_join() const {
  return !prompt_queue_.empty() && in_progress_ < kind_->batching.max_sequences &&
         may_start(prompt_queue_.first());
}

bool Instance::sequence_may_join() const {
  const BatchingSpec& limits = kind_->batching;
  if (waiting_.empty() || batch_.size() >= limits.max_sequences ||
      batch_tokens_ >= limits.max_prompt_tokens) {
    return false;
  }
  const RequestId request = waiting_.top().id;
  return (!begins(request) || in_progress_ < limits.max_sequences) && may_start(request);
}

void Instance::consider_as_published(TaskId task) {
  if (ending_) return;
  const RequestId request = request_of(task);
  if (batch_.empty()) {
    if (phase_of(task) == (*requests_)[request].phase && fits(kv_to_start(request)))
      start_iteration();
    return;
  }
  const bool is_prompt = phase_of(task) == Phase::kPrompt;
  const std::uint32_t work = is_prompt ? (*requests_)[request].prompt_work() : 1;
  const BatchingSpec& limits = kind_->batching;
  const bool joins =
      batch_.size() < limits.max_sequences && batch_tokens_ + work <= limits.max_prompt_tokens;
  const bool mixes = is_prompt && decodes_ > 0 && prompt_tokens_ + work <= limits.max_prompt_tokens;
  if (joins || mixes) pause();
}

void Instance::nudge() {
  if (!kind_->batching.as_published) {
    reconsider();
    return;
  }
  if (pending_.empty() || ending_) return;
  if (batch_.empty()) {
    const RequestId first = request_of(pending_.front());
    if ((*requests_)[first].standing == Standing::kBlocked || fits(kv_to_start(first)))
      start_iteration();
  } else if (batch_.size() < kind_->batching.max_sequences &&
             batch_tokens_ < kind_->batching.max_prompt_tokens) {
    pause();
  }
}

void Instance::forget_transfer() {
  --transfers_expected_;
  if (transfers_expected_ == 0 && !kind_->batching.as_published) reconsider();
}

void Instance::wake() {
  if (batch_.empty() && pool_size_ > 0 && !ending_) start_iteration();
}

void Instance::hold(std::uint32_t kv_tokens) {
  used_tokens_ += kv_tokens;
  const std::int64_t growth = growth_per_iteration();
  if (running_ && growth > 0) {
    shorten(static_cast<std::uint64_t>((capacity_tokens_ - used_tokens_) / growth));
  }
  report_memory();
}

void Instance::release(std::uint32_t kv_tokens) {
  used_tokens_ -= kv_tokens;
  if (used_tokens_ < 0) {
    broken_invariant("instance " + std::to_string(id_) + " freed more KV memory than it held");
  }
  report_memory();
  if (!kind_->batching.as_published) reconsider();
}

void Instance::report_queue() { observer_->queue(id_, clock_->now(), pool_size_ - batch_.size()); }

void Instance::report_memory() {
  observer_->memory(
      id_, clock_->now(),
      kind_->weight_bytes + static_cast<double>(used_tokens_) * kind_->kv_bytes_per_token);
}

}  // namespace cleave
