#include "sim/machine/waiting_room.h"

namespace cleave {

// Without branches: half of the tasks that a search comes by are token phases whose prompts wait.
std::uint64_t WaitingRoom::passed_over(TaskId task) const {
  const RequestState& request = (*requests_)[request_of(task)];
  const std::uint64_t waiting = choices_ - request.passed_over;
  const std::uint64_t count = request.in(steps::kRuns) ? request.passed_over : waiting;
  return phase_of(task) == request.phase() ? count : 0;
}

void WaitingRoom::enqueue(TaskId task) {
  const std::uint64_t count = passed_over(task);
  const double arrival_s = state(request_of(task)).record.arrival_s;
  tasks_.insert(task, [&](TaskId other) {
    const std::uint64_t other_count = passed_over(other);
    // As published the least passed over stand in front, and hide those behind that starve.
    if (other_count != count) {
      return one_queue_ ? other_count > count : other_count < count;
    }
    return state(request_of(other)).record.arrival_s > arrival_s;
  });
}

void WaitingRoom::stand_by_arrival(RequestId request) {
  const bool last = !one_queue_ && begins(request);
  const ArrivalKey key{last, state(request).record.arrival_s, arrivals_++};
  by_arrival(state(request).step()).push(key, request);
}

void WaitingRoom::stand_in_line(RequestId request, End end) {
  const FinishedRequest& record = state(request).record;
  if (by_rank_) {
    ranked_.push({state(request).rank, record.arrival_s, record.number}, request);
  } else if (end == End::kFront) {
    line_.push_front(request);
  } else {
    line_.push_back(request);
  }
}

void WaitingRoom::enter(RequestId request) {
  RequestState& entering = state(request);
  ++size_;
  entering.passed_over = choices_;
  const Phase phase = entering.phase();
  if (phase == Phase::kPrompt) stand_in_line(request, End::kBack);
  if (!in_task_queue(phase)) return;
  stand_by_arrival(request);
  if (phase == Phase::kPrompt || !entering.token_task_queued) enqueue(task_of(request, phase));
}

void WaitingRoom::queue_token_task(RequestId request) {
  state(request).token_task_queued = true;
  enqueue(task_of(request, Phase::kToken));
}

void WaitingRoom::put_aside(RequestId request) {
  ++size_;
  state(request).passed_over = choices_ - state(request).passed_over;
  aside_.push_back(request);
  stand_by_arrival(request);
  enqueue(task_of(request, Phase::kToken));
}

void WaitingRoom::drop(RequestId request, Step before, End end) {
  if (before == Step::kAside) {
    leave(request, before);
    tasks_.erase(task_of(request, Phase::kToken));
  }
  if (steps::kLeaves.has(before)) dropped_prompts_.push_back(request);
  end_progress(request);
  ++size_;
  if (state(request).step() == Step::kRedoWaits) ++dropped_;
  state(request).passed_over = choices_;
  stand_in_line(request, end);
  if (in_task_queue(Phase::kPrompt)) {
    stand_by_arrival(request);
    enqueue(task_of(request, Phase::kPrompt));
  }
}

void WaitingRoom::set_out(RequestId request) {
  leave_line(request);
  loading_.push_back(request);
}

void WaitingRoom::come_back(RequestId request) {
  loading_.erase(request);
  if (by_rank_ || state(request).step() == Step::kRedoLoads) {
    stand_in_line(request, End::kFront);
    return;
  }
  const auto stays_before = [&](RequestId other) {
    return state(other).step() == Step::kRedoWaits ||
           state(other).record.number < state(request).record.number;
  };
  RequestId behind = line_.first();
  while (behind != kNoRequest && stays_before(behind)) behind = line_.after(behind);
  line_.insert_before(behind, request);
}

void WaitingRoom::choose(RequestId request) {
  RequestState& chosen = state(request);
  const TaskId task = task_of(request, chosen.phase());
  chosen.passed_over = passed_over(task);
  leave(request, chosen.step());
  // It still stands in the queue: whoever is put aside finds its place beside it.
  if (in_task_queue(chosen.phase())) chosen_.push_back(task);
  if (chosen.phase() == Phase::kToken) chosen.token_task_queued = false;
  if (!chosen.in_progress) ++in_progress_;
  chosen.in_progress = true;
}

void WaitingRoom::close() {
  for (const TaskId task : chosen_) tasks_.erase(task);
  chosen_.clear();
  ++choices_;
}

void WaitingRoom::withdraw(RequestId request) {
  RequestState& leaving = state(request);
  leave(request, leaving.step());
  const Phase phase = leaving.phase();
  if (in_task_queue(phase)) tasks_.erase(task_of(request, phase));
  if (leaving.token_task_queued && phase == Phase::kPrompt) {
    tasks_.erase(task_of(request, Phase::kToken));
  }
  leaving.token_task_queued = false;
  end_progress(request);
}

void WaitingRoom::end_progress(RequestId request) {
  bool& in_progress = state(request).in_progress;
  if (in_progress) --in_progress_;
  in_progress = false;
}

// Out of whatever it stands in but the queue of tasks.
void WaitingRoom::leave(RequestId request, Step step) {
  --size_;
  const Phase phase = steps::kComputesPrompt.has(step) ? Phase::kPrompt : Phase::kToken;
  if (in_task_queue(phase)) by_arrival(step).erase(request);
  if (step == Step::kAside) {
    aside_.erase(request);
  } else if (steps::kLoads.has(step)) {
    loading_.erase(request);
  } else if (phase == Phase::kPrompt) {
    leave_line(request);
  }
  if (step == Step::kRedoWaits || step == Step::kRedoLoads) --dropped_;
}

void WaitingRoom::leave_line(RequestId request) {
  if (by_rank_) {
    ranked_.erase(request);
  } else {
    line_.erase(request);
  }
}

void WaitingRoom::stop(RequestId request) {
  RequestState& stopped = state(request);
  if (stopped.in(steps::kStopped)) return;
  stopped.go(stopped.in(steps::kInPromptPhase) ? Step::kPromptStopped : Step::kTokenStopped);
  stopped.in_progress = false;
  stopped.token_task_queued = false;
}

void WaitingRoom::stop() {
  for (RequestList* list : {&line_, &loading_, &aside_}) {
    for (RequestId request = list->first(); request != kNoRequest; request = list->after(request)) {
      stop(request);
    }
    list->clear();
  }
  for (IndexedHeap<ArrivalKey>* heap : {&aside_by_arrival_, &others_by_arrival_}) {
    for (; !heap->empty(); heap->pop()) stop(heap->top().id);
  }
  for (; !ranked_.empty(); ranked_.pop()) stop(ranked_.top().id);
  while (!tasks_.empty()) tasks_.erase(tasks_.front());
  chosen_.clear();
  size_ = 0;
  in_progress_ = 0;
  dropped_ = 0;
}

}  // namespace cleave
