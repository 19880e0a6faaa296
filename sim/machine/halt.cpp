#include <algorithm>

#include "sim/machine/instance.h"

namespace cleave {

void Instance::set_pace(double factor) {
  pace_ = factor;
  if (!batch_.empty()) pause();
}

void Instance::halt() {
  if (!batch_.empty()) {
    clock_->cancel(run_.end);
    const std::uint64_t done = run_.length.done_by(clock_->now() - run_.start_s);
    run_.iterations = std::min(done, run_.iterations - 1);
    if (run_.iterations > 0) report_run();
  }
  running_ = false;
  // What each sequence has grown by in earlier runs is its own from now on.
  for (RequestId request = batch_.first(); request != kNoRequest; request = batch_.after(request)) {
    if ((*requests_)[request].phase == Phase::kToken) settle(request);
  }
  for (RequestList* list : {&batch_, &prompt_queue_, &blocked_}) {
    for (RequestId request = list->first(); request != kNoRequest; request = list->after(request)) {
      (*requests_)[request].standing = Standing::kAway;
      (*requests_)[request].in_progress = false;
    }
    *list = RequestList(requests_->links);
  }
  while (!waiting_.empty()) {
    RequestState& state = (*requests_)[waiting_.top().id];
    state.standing = Standing::kAway;
    state.in_progress = false;
    waiting_.pop();
  }
  while (!finishing_.empty()) finishing_.pop();
  while (!pending_.empty()) pending_.erase(pending_.front());
  joined_.clear();
  new_prompts_.clear();
  pool_size_ = 0;
  in_progress_ = 0;
  dropped_ = 0;
  prompts_ = 0;
  decodes_ = 0;
  prompt_tokens_ = 0;
  squared_prompt_tokens_ = 0;
  batch_tokens_ = 0;
  kv_tokens_ = 0;
  report_queue();
}

}  // namespace cleave
