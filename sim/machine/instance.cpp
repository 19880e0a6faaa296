#include "sim/machine/instance.h"

#include <algorithm>
#include <utility>

namespace cleave {

Instance::Instance(InstanceId id, const InstanceKind& kind, Clock& clock, RequestTable& requests,
                   InstanceListener& listener, Observer& observer)
    : id_(id),
      latency_(kind.latency),
      draft_s_(kind.speculation.draft_s),
      clock_(&clock),
      requests_(&requests),
      listener_(&listener),
      observer_(&observer),
      policy_(kind.batching()),
      memory_(id, kind.memory, clock, observer),
      waiting_(requests, policy_->as_published(), kind.by_rank),
      batch_(requests, kind.memory.policy->growth(), kind.speculation) {}

void Instance::arrive(RequestId request) {
  RequestState& state = (*requests_)[request];
  const bool prompt = state.step() == Step::kOutside;
  state.go(prompt ? Step::kPromptWaits : Step::kTokenWaits);
  waiting_.enter(request);
  if (empties_) send_waiting();
  if (state.step() == Step::kSends) return;
  reconsider(Cause::kArrival, task_of(request, state.phase()));
  if (prompt && policy_->as_published() && !state.record.moved() &&
      state.record.output_tokens > 1) {
    waiting_.queue_token_task(request);
    reconsider(Cause::kArrival, task_of(request, Phase::kToken));
  }
  report_queue();
}

void Instance::set_pace(double factor) {
  pace_ = factor;
  if (run_.under_way()) pause();
}

void Instance::set_cap(double cap, double prompt_factor, double decode_factor) {
  if (cap == cap_) return;
  cap_ = cap;
  prompt_cap_pace_ = prompt_factor;
  decode_cap_pace_ = decode_factor;
  if (run_.under_way()) pause();
}

void Instance::reconsider(Cause cause, TaskId task) {
  if (ending_ || run_.paused) return;
  Selection seen = selection();
  seen.make_room();
  if (!policy_->wants_change(seen, cause, task)) {
    if (cause == Cause::kArrival && run_.under_way() && finds_more_soon()) pause();
    return;
  }
  if (run_.under_way()) {
    pause();
  } else {
    start_iteration();
  }
}

void Instance::wake() {
  if (idle() && !empty()) start_iteration();
}

void Instance::start_iteration() {
  Selection chosen = selection();
  policy_->fill(chosen);
  if (batch_.tokens() == 0) {
    listener_->instance_idle(id_);
    tell_of_dropped();
    return;
  }
  begin_run();
}

void Instance::begin_run() {
  const double now_s = clock_->now();
  RunCost cost = latency_->cost(batch_.shape());
  if (batch_.sequences().computed_tokens() > 0) cost.first_s += draft_s_;
  exchanges_ = cost.network_bytes > 0;
  const double delay_s =
      exchanges_ ? listener_->network_delay_s(id_, cost.network_bytes, cost.network_s) : 0;
  const bool prompts = batch_.prompts().running() > 0;
  double pace = pace_ * (prompts ? prompt_cap_pace_ : decode_cap_pace_);
  if (prompts) pace *= listener_->slowdown(batch_.prompts().all());
  run_cap_ = cap_;
  followed_ = follows_chunks();
  const std::uint64_t most = followed_ ? 1 : std::min(cost.holds_for, iterations());
  run_ = {now_s,    most,  RunLength{pace * cost.first_s + delay_s, pace * cost.growth_s},
          kNoEvent, false, batch_.sequences().kv_tokens()};
  run_.end = clock_->at<&Instance::run_ended>(run_.end_s(), this);
  for (const RequestId request : batch_.new_prompts()) {
    RequestState& state = (*requests_)[request];
    if (state.generated == 0) state.record.prompt_start_s = now_s;
  }
  tell_of_dropped();
  start_chunks();
  if (batch_.sequences().running() > 0) {
    for (const RequestId request : batch_.sequences().joined()) {
      RequestState& state = (*requests_)[request];
      if (state.record.token_start_s == 0) state.record.token_start_s = now_s;
    }
  }
  report_queue();
}

bool Instance::follows_chunks() const {
  const std::vector<RequestId>& prompts = batch_.prompts().all();
  return std::any_of(prompts.begin(), prompts.end(), [&](RequestId request) {
    const RequestState& state = (*requests_)[request];
    const bool goes_on = state.chunk > 0 && state.chunk < batch_.prompts().left(request);
    return goes_on && state.generated == 0 && listener_->follows_chunks(request);
  });
}

// Of the run that begins, as far as the batch goes on unchanged and nobody else's does.
std::uint64_t Instance::iterations() {
  const std::uint64_t most = policy_->until_change(selection());
  return most > 1 && (finds_more_soon() || computes_again()) ? 1 : most;
}

// Whether prompts compute what is in the prefix cache by now, or will be with the next iteration:
// their own copies are free after each iteration.
bool Instance::computes_again() const {
  if (!memory_.caches()) return false;
  const std::vector<RequestId>& prompts = batch_.prompts().all();
  const auto shared = [&](RequestId request) { return (*requests_)[request].shared_tokens; };
  for (auto one = prompts.begin(); one != prompts.end(); ++one) {
    const Content& content = requests_->contents[*one];
    const std::uint32_t work = (*requests_)[*one].prompt_work();
    if (memory_.find(content, work + 1).tokens > shared(*one)) return true;
    for (auto other = prompts.begin(); other != one; ++other) {
      const std::uint32_t both = common_tokens(content, requests_->contents[*other]);
      if (memory_.whole_blocks(both) > std::min(shared(*one), shared(*other))) return true;
    }
  }
  return false;
}

// Whether the first that waits begins like a prompt that is being computed, so that it may find
// more of itself after each iteration.
bool Instance::finds_more_soon() {
  const RequestId first = waiting_.first_in_line();
  if (!memory_.caches() || first == kNoRequest) return false;
  const Content& content = requests_->contents[first];
  const std::uint32_t found = selection().hit(first).tokens;
  const std::vector<RequestId>& prompts = batch_.prompts().all();
  return std::any_of(prompts.begin(), prompts.end(), [&](RequestId request) {
    return common_tokens(content, requests_->contents[request]) > found;
  });
}

void Instance::start_chunks() {
  for (const RequestId request : batch_.prompts().all()) {
    const RequestState& state = (*requests_)[request];
    if (state.generated > 0 || state.chunk == 0) continue;
    const bool last = state.chunk == batch_.prompts().left(request);
    if (last || followed_) listener_->chunk_started(request, last, run_.length.first_s);
  }
}

void Instance::tell_of_chunks() {
  for (const RequestId request : batch_.prompts().all()) {
    const RequestState& state = (*requests_)[request];
    if (state.generated > 0) continue;
    listener_->chunk_finished(request, state.prompt_work() - batch_.prompts().left(request));
  }
}

void Instance::tell_of_dropped() {
  for (const RequestId request : waiting_.take_dropped_prompts()) {
    listener_->prompt_dropped(request);
  }
}

void Instance::pause() {
  if (run_.paused) return;
  run_.paused = true;
  shorten(run_.length.done_by(clock_->now() - run_.start_s) + 1);
}

void Instance::shorten(std::uint64_t iterations) {
  if (iterations >= run_.iterations) return;
  run_.iterations = iterations;
  clock_->cancel(run_.end);
  run_.end = clock_->at<&Instance::run_ended>(run_.end_s(), this);
}

void Instance::run_ended(std::uint64_t) {
  run_.end = kNoEvent;
  run_.paused = false;
  report_run();
  memory_.grow(batch_.growth(run_.iterations));
  batch_.advance(run_.iterations, run_.length.first_s, run_.length.last_s(run_.iterations),
                 run_.end_s() - run_.start_s);
  ending_ = true;
  keep_prompts();
  end_lingering();
  for (RequestId request = batch_.ended(); request != kNoRequest; request = batch_.ended()) {
    end(request);
  }
  if (followed_) tell_of_chunks();
  if (empties_) {
    send_sequences();
    send_waiting();
  }
  ending_ = false;
  start_iteration();
}

// What is computed of prompts can be found by others from now on.
void Instance::keep_prompts() {
  if (!memory_.caches()) return;
  for (const RequestId request : batch_.prompts().all()) {
    RequestState& state = (*requests_)[request];
    const std::uint32_t computed = state.prompt_work() - batch_.prompts().left(request);
    memory_.keep(state, requests_->contents[request], computed);
  }
}

// The same of a sequence that is out of the batch.
void Instance::keep(RequestId request) {
  RequestState& state = (*requests_)[request];
  memory_.keep(state, requests_->contents[request], state.computed());
}

void Instance::end(RequestId request) {
  if ((*requests_)[request].phase() == Phase::kToken) {
    batch_.remove(request, clock_->now());
    keep(request);
    finish_sequence(request);
  } else if (batch_.prompts().left(request) > 0) {
    batch_.stay_as_prompt(request);
  } else {
    finish_prompt(request);
  }
}

void Instance::finish_prompt(RequestId request) {
  RequestState& state = (*requests_)[request];
  const bool first = state.generated == 0;
  const bool goes_on = state.remaining() > 1 && state.record.token_instance == id_;
  const bool stays = goes_on && policy_->prompts_stay();
  if (stays) {
    batch_.end_prompt(request);
  } else {
    batch_.remove(request, clock_->now());
  }
  state.prefilled = 0;
  if (first) {
    state.record.first_token_s = clock_->now();
  } else {
    waited(request, clock_->now());
    // A cache that was dropped before its first decode gets its second token from its
    // recomputation.
    if (state.record.token_start_s == 0) state.record.token_start_s = run_.start_s;
  }
  ++state.generated;
  state.last_token_s = clock_->now();
  if (goes_on) state.go(Step::kTokenWaits);
  if (stays) {
    state.go(Step::kToken);
    batch_.go_on(request);
  } else if (goes_on) {
    waiting_.enter(request);
  } else {
    waiting_.end_progress(request);
  }
  const bool done = state.remaining() == 0;
  if (done && !state.record.moved()) linger(request);
  if (first) {
    listener_->prompt_finished(request);
  } else if (done) {
    listener_->token_finished(request);
  }
}

void Instance::finish_sequence(RequestId request) {
  waiting_.end_progress(request);
  linger(request);
  listener_->token_finished(request);
}

// What it holds stays held for those who linger.
void Instance::linger(RequestId request) {
  if (!policy_->lingers()) return;
  RequestState& state = (*requests_)[request];
  batch_.linger(state);
  memory_.linger(requests_->contents[request], std::exchange(state.shared_tokens, 0));
  state.held_tokens = 0;
}

void Instance::end_lingering() {
  if (batch_.sequences().lingering() == 0) return;
  memory_.end_lingering();
  memory_.release(batch_.end_lingering());
  listener_->room_made(id_);
}

// Its last token came before it waited for this run; the next one comes now.
void Instance::waited(RequestId request, double until_s) {
  RequestState& state = (*requests_)[request];
  const double gap_s = until_s - state.last_token_s;
  state.record.largest_gap_s = std::max(state.record.largest_gap_s, gap_s);
  state.record.aside_s += run_.start_s - state.last_token_s;
  observer_->gap(until_s, gap_s);
}

// The iterations of the run, all of them whole, and the gaps of the sequences that joined with it.
void Instance::report_run() {
  const Sequences& sequences = batch_.sequences();
  Segment segment;
  segment.instance = id_;
  segment.start_s = run_.start_s;
  segment.end_s = run_.end_s();
  segment.iterations = static_cast<std::uint32_t>(run_.iterations);
  segment.first_iteration_s = run_.length.first_s;
  segment.growth_s = run_.length.growth_s;
  segment.prompts = batch_.prompts().running();
  segment.prompt_tokens = batch_.prompts().tokens();
  segment.completed_prompts = batch_.prompts().completed_by(run_.iterations);
  segment.kv_tokens = static_cast<double>(run_.kv_tokens);
  segment.power_cap = run_cap_;
  segment.decodes = sequences.running();
  segment.decode_tokens = sequences.tokens() * static_cast<double>(run_.iterations);
  if (segment.decodes > 0) {
    segment.joined = static_cast<std::uint32_t>(sequences.joined().size());
    segment.stood_still_s = sequences.stood_still_s();
  }
  observer_->segment(segment);
  if (segment.decodes == 0) return;
  for (const RequestId request : sequences.joined()) {
    waited(request, run_.start_s + run_.length.first_s);
    sequences.count_from_here((*requests_)[request]);
  }
}

void Instance::report_queue() { observer_->queue(id_, clock_->now(), waiting_.size()); }

}  // namespace cleave
