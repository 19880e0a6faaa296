#include "sim/machine/instance.h"

#include <algorithm>

namespace cleave {

Instance::Instance(InstanceId id, const InstanceKind& kind, Clock& clock, RequestTable& requests,
                   InstanceListener& listener, Observer& observer)
    : id_(id),
      kind_(&kind),
      clock_(&clock),
      requests_(&requests),
      listener_(&listener),
      observer_(&observer),
      capacity_tokens_(kind.capacity_tokens),
      batch_(requests.links),
      prompt_queue_(requests.links),
      blocked_(requests.links),
      pending_(requests.pending),
      waiting_(requests.waiting_positions),
      finishing_(requests.finish_positions),
      added_(requests.links) {
  report_memory();
}

void Instance::start_iteration() {
  // Where all that was chosen had to give up its cache, its room is there for others.
  do {
    select();
  } while (make_room_to_grow() && batch_.empty());
  if (batch_.empty()) {
    listener_->instance_idle(id_);
    return;
  }
  begin_run();
}

void Instance::begin_run() {
  const double now_s = clock_->now();
  const LatencyModel& latency = *kind_->latency;
  const std::uint32_t sequences = decodes_;
  RunLength length;
  if (sequences > 0) {
    const DecodeCost& cost = kind_->decode[sequences];
    length.first_s = cost.base_s + cost.per_kv_token_s * static_cast<double>(kv_tokens_);
    length.growth_s = cost.per_kv_token_s * sequences;
  }
  length.first_s *= pace_;
  length.growth_s *= pace_;
  std::uint64_t iterations = 1;
  if (prompts_ > 0) {
    double duration_s =
        pace_ * latency.prefill_s(prompt_tokens_ + sequences, squared_prompt_tokens_ + sequences);
    if (sequences > 0) {
      duration_s *= kind_->batching.mixed_iteration_factor;
      if (kind_->batching.mixed_at_least_decode) duration_s = std::max(duration_s, length.first_s);
    }
    length = {duration_s * prompt_slowdown(), 0};
  } else {
    iterations = finishing_.top().key.step - steps_;
    const std::int64_t growth = growth_per_iteration();
    if (growth > 0) {
      const std::int64_t room = (capacity_tokens_ - used_tokens_) / growth;
      iterations = std::min(iterations, static_cast<std::uint64_t>(room));
    }
    // A prompt that found no place beside these sequences gets it after one more token of theirs.
    if (!kind_->batching.as_published && prompt_may_join()) iterations = 1;
  }
  running_ = true;
  run_ = {now_s, iterations, length, kNoEvent, prompts_ > 0, kv_tokens_};
  run_.end = clock_->at<&Instance::run_ended>(now_s + length.duration_s(iterations), this);
  for (const RequestId request : new_prompts_) {
    RequestState& state = (*requests_)[request];
    if (state.generated == 0) {
      state.record.prompt_start_s = now_s;
      listener_->prompt_started(request, length.first_s);
    }
  }
  for (const RequestId request : joined_) {
    RequestState& state = (*requests_)[request];
    if (state.record.token_start_s == 0) state.record.token_start_s = now_s;
  }
  report_queue();
}

// Sending layers while a prompt is computed may slow it down.
double Instance::prompt_slowdown() const {
  if (kind_->prompt_slowdown == 0) return 1;
  const bool sends = std::any_of(new_prompts_.begin(), new_prompts_.end(), [&](RequestId request) {
    const FinishedRequest& record = (*requests_)[request].record;
    return record.moved() && kind_->transfer->layer_by_layer(record.prompt_tokens);
  });
  return sends ? 1 + kind_->prompt_slowdown : 1;
}

void Instance::pause() {
  if (run_.paused) return;
  run_.paused = true;
  const std::uint64_t iterations = run_.length.done_by(clock_->now() - run_.start_s) + 1;
  shorten(iterations);
}

void Instance::shorten(std::uint64_t iterations) {
  if (iterations >= run_.iterations) return;
  run_.iterations = iterations;
  clock_->cancel(run_.end);
  run_.end =
      clock_->at<&Instance::run_ended>(run_.start_s + run_.length.duration_s(iterations), this);
}

// KV tokens that the batch has grown by since the run began, or will have when the iteration under
// way ends; they are added when the run ends.
std::int64_t Instance::growth_under_way() const {
  if (!running_) return 0;
  const std::int64_t growth = growth_per_iteration();
  if (growth == 0) return 0;
  const std::uint64_t done = run_.length.done_by(clock_->now() - run_.start_s);
  return growth * static_cast<std::int64_t>(std::min(done + 1, run_.iterations));
}

// The iterations of the run, all of them whole, and the gaps of the sequences that joined with it.
void Instance::report_run() {
  Segment segment;
  segment.instance = id_;
  segment.start_s = run_.start_s;
  segment.end_s = run_.start_s + run_.length.duration_s(run_.iterations);
  segment.iterations = static_cast<std::uint32_t>(run_.iterations);
  segment.first_iteration_s = run_.length.first_s;
  segment.growth_s = run_.length.growth_s;
  segment.prompts = prompts_;
  segment.prompt_tokens = prompt_tokens_;
  segment.decodes = decodes_;
  segment.joined = static_cast<std::uint32_t>(joined_.size());
  segment.kv_tokens = static_cast<double>(run_.kv_tokens);
  observer_->segment(segment);
  const double first_token_s = run_.start_s + run_.length.first_s;
  for (const RequestId request : joined_) {
    RequestState& state = (*requests_)[request];
    const double gap_s = first_token_s - state.last_token_s;
    state.record.largest_gap_s = std::max(state.record.largest_gap_s, gap_s);
    state.record.aside_s += run_.start_s - state.last_token_s;
    observer_->gap(first_token_s, gap_s);
  }
}

void Instance::run_ended(std::uint64_t) {
  running_ = false;
  report_run();
  gaps_.add(run_.length.last_s(run_.iterations));
  joined_.clear();
  new_prompts_.clear();
  steps_ += run_.iterations;
  const auto grown = static_cast<std::int64_t>(run_.iterations) * decodes_;
  kv_tokens_ += grown;
  if (kind_->memory->growth() > 0 && grown > 0) {
    used_tokens_ += grown * kind_->memory->growth();
    report_memory();
  }
  if (used_tokens_ > capacity_tokens_) {
    broken_invariant("instance " + std::to_string(id_) + " holds more KV memory than it has");
  }
  ending_ = true;
  while (!finishing_.empty() && finishing_.top().key.step <= steps_) {
    const RequestId request = finishing_.top().id;
    finishing_.pop();
    if ((*requests_)[request].phase == Phase::kPrompt) {
      finish_prompt(request);
    } else {
      finish_token(request);
    }
  }
  ending_ = false;
  start_iteration();
}

void Instance::finish_prompt(RequestId request) {
  RequestState& state = (*requests_)[request];
  const double now_s = clock_->now();
  leave_batch(request);
  if (state.generated == 0) {
    state.record.first_token_s = now_s;
  } else {
    const double gap_s = now_s - state.last_token_s;
    state.record.largest_gap_s = std::max(state.record.largest_gap_s, gap_s);
    state.record.aside_s += run_.start_s - state.last_token_s;
    observer_->gap(now_s, gap_s);
  }
  const bool first = state.generated == 0;
  // A cache that was dropped before its first decode gets its second token from its recomputation.
  if (!first && state.record.token_start_s == 0) state.record.token_start_s = run_.start_s;
  ++state.generated;
  state.last_token_s = now_s;
  if (state.remaining() > 0 && state.record.token_instance == id_) {
    state.phase = Phase::kToken;
    state.standing = Standing::kWaiting;
    state.passed_over = selections_;
    wait(request);
    if (!state.token_task_queued) enqueue(task_of(request, Phase::kToken));
  } else {
    state.standing = Standing::kAway;
    end_progress(request);
    --pool_size_;
  }
  if (first) {
    listener_->prompt_finished(request);
  } else if (state.remaining() == 0) {
    listener_->token_finished(request);
  }
}

void Instance::finish_token(RequestId request) {
  RequestState& state = (*requests_)[request];
  settle(request);
  leave_batch(request);
  state.standing = Standing::kAway;
  end_progress(request);
  --pool_size_;
  listener_->token_finished(request);
}

}  // namespace cleave
