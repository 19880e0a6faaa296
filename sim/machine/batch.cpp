#include "sim/machine/batch.h"

#include <algorithm>

namespace cleave {

namespace {

/// What attention sees of a chunk behind the tokens done before, times two.
double pairs(double chunk, double before) { return chunk * (chunk + 2 * before); }

}  // namespace

void Batch::add(RequestId request, std::uint64_t iterations) {
  RequestState& state = (*requests_)[request];
  if (empty()) next_order_ = 0;
  added_.push_back(request);
  state.joined_step = steps_;
  state.joined_segment = gaps_.segments();
  ending_.push({steps_ + iterations, next_order_++}, request);
}

void Batch::add_prompt(RequestId request, std::uint32_t chunk) {
  RequestState& state = (*requests_)[request];
  add(request, state.prompt_left() / chunk);
  state.chunk = chunk;
  ++prompts_;
  prompt_tokens_ += chunk;
  prompt_pairs_ += pairs(chunk, state.prefilled);
  pairs_growth_ += 2.0 * chunk * chunk;
  new_prompts_.push_back(request);
}

void Batch::add_decode(RequestId request) {
  const RequestState& state = (*requests_)[request];
  add(request, state.remaining());
  ++decodes_;
  kv_tokens_ += state.record.prompt_tokens + state.generated;
  new_decodes_.push_back(request);
}

void Batch::advance(std::uint64_t iterations, double last_s) {
  gaps_.add(last_s);
  new_prompts_.clear();
  new_decodes_.clear();
  steps_ += iterations;
  kv_tokens_ += static_cast<std::int64_t>(iterations) * decodes_;
  prompt_pairs_ += static_cast<double>(iterations) * pairs_growth_;
}

// Gives the request what it got since it joined.
void Batch::settle(RequestId request, double now_s) {
  RequestState& state = (*requests_)[request];
  const auto steps = static_cast<std::uint32_t>(steps_ - state.joined_step);
  const bool prompt = state.in(steps::kComputesPrompt);
  if (steps == 0) {
    std::erase(prompt ? new_prompts_ : new_decodes_, request);
    return;
  }
  if (prompt) {
    state.prefilled += steps * state.chunk;
    return;
  }
  state.generated += steps;
  state.held_tokens += steps * kv_growth_;
  state.record.largest_gap_s =
      std::max(state.record.largest_gap_s, gaps_.longest_since(state.joined_segment));
  state.last_token_s = now_s;
}

void Batch::leave(RequestId request, double now_s) {
  settle(request, now_s);
  const RequestState& state = (*requests_)[request];
  ran_.erase(request);
  if (state.in(steps::kComputesPrompt)) {
    --prompts_;
    prompt_tokens_ -= state.chunk;
    prompt_pairs_ -= pairs(state.chunk, state.prefilled);
    pairs_growth_ -= 2.0 * state.chunk * state.chunk;
  } else {
    --decodes_;
    kv_tokens_ -= state.record.prompt_tokens + state.generated;
  }
}

RequestId Batch::take_ended(double now_s) {
  if (ending_.empty() || ending_.top().key.step > steps_) return kNoRequest;
  const RequestId request = ending_.top().id;
  ending_.pop();
  leave(request, now_s);
  return request;
}

void Batch::remove(RequestId request, double now_s) {
  ending_.erase(request);
  leave(request, now_s);
}

}  // namespace cleave
