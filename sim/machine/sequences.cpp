#include "sim/machine/sequences.h"

#include <algorithm>

#include "models/latency/latency.h"

namespace cleave {

namespace {

/// Without speculation.
bool gets_one_each(const RequestState& state) { return state.remaining() == state.steps_to_end; }

/// Tokens an iteration, of one that joins.
double rate_of(const RequestState& state) {
  return gets_one_each(state) ? 1 : 1.0 * state.remaining() / state.steps_to_end;
}

}  // namespace

Sequences::Sequences(RequestTable& requests, KvGrowth growth, const Speculation& speculation)
    : requests_(&requests),
      growth_(growth),
      speculation_(speculation),
      ends_(requests.finish_positions) {
  const bool even = !speculation_.on() && growth_.blocks.window_tokens == 0;
  if (growth_.kind == KvGrowth::Kind::kBlocks && even) crossings_.resize(growth_.blocks.tokens);
}

std::uint32_t Sequences::tokens_after(const RequestState& state, std::uint64_t steps) {
  if (steps >= state.steps_to_end) return state.remaining();
  if (gets_one_each(state)) return static_cast<std::uint32_t>(steps);
  return static_cast<std::uint32_t>(state.remaining() * steps / state.steps_to_end);
}

std::uint32_t Sequences::generated(RequestId request) const {
  const RequestState& state = (*requests_)[request];
  return state.generated + tokens_after(state, steps_ - state.joined_step);
}

std::uint64_t Sequences::until_end() const {
  if (standing_still_) return RunCost::kForEver;
  if (!lingering_.empty()) return 1;
  return ends_.empty() ? RunCost::kForEver : ends_.top().key.step - steps_;
}

RequestId Sequences::ended() const {
  return ends_.empty() || ends_.top().key.step > steps_ ? kNoRequest : ends_.top().id;
}

// The token computed in step s (counted like steps_) begins a block where computed + s - now is a
// multiple of its size: always the same steps, modulo that size.
std::uint32_t& Sequences::crossing(const RequestState& state) {
  const std::uint64_t size = growth_.blocks.tokens;
  const std::uint64_t computed = state.record.prompt_tokens + state.generated - 1;
  return crossings_[(steps_ % size + size - computed % size) % size];
}

std::int64_t Sequences::blocks(std::uint64_t iterations) const {
  const std::uint64_t size = growth_.blocks.tokens;
  std::int64_t blocks = static_cast<std::int64_t>(iterations / size) * all_;
  for (std::uint64_t i = 0; i < iterations % size; ++i) blocks += crossings_[(steps_ + i) % size];
  return blocks;
}

std::int64_t Sequences::summed_growth(std::uint64_t iterations) const {
  std::int64_t growth = 0;
  for (const auto& entry : ends_.entries()) {
    const RequestState& state = (*requests_)[entry.id];
    const std::uint64_t steps = steps_ - state.joined_step;
    const std::uint32_t computed = state.record.prompt_tokens + state.generated - 1;
    const std::uint32_t now = computed + tokens_after(state, steps);
    const std::uint32_t then = computed + tokens_after(state, steps + iterations);
    growth += growth_.kind == KvGrowth::Kind::kBlocks ? growth_.rounded(then) - growth_.rounded(now)
                                                      : then - now;
  }
  return growth;
}

std::int64_t Sequences::growth(std::uint64_t iterations) const {
  if (standing_still_ || all_ == 0 || growth_.kind == KvGrowth::Kind::kNone) return 0;
  if (!crossings_.empty()) return blocks(iterations) * growth_.blocks.tokens;
  const bool even = growth_.kind == KvGrowth::Kind::kTokens && !speculation_.on();
  return even ? static_cast<std::int64_t>(iterations) * all_ : summed_growth(iterations);
}

void Sequences::add(RequestId request) {
  RequestState& state = (*requests_)[request];
  state.joined_step = steps_;
  state.steps_to_end =
      speculation_.iterations(state.record.number, state.generated, state.remaining());
  // It did not stand still with the others.
  state.joined_segment = gaps_.segments() + (stood_still_s_ > 0 ? 1 : 0);
  ends_.push({steps_ + state.steps_to_end, state.joined_order}, request);
  ++all_;
  rate_ += rate_of(state);
  kv_tokens_ += state.record.prompt_tokens + state.generated;
  remaining_ += state.remaining();
  if (!crossings_.empty()) ++crossing(state);
  joined_.push_back(request);
}

void Sequences::remove(RequestId request, double now_s) {
  RequestState& state = (*requests_)[request];
  const std::uint64_t steps = steps_ - state.joined_step;
  ends_.erase(request);
  const double rate = rate_of(state);
  const double got = rate * static_cast<double>(steps);
  --all_;
  rate_ = all_ > 0 ? rate_ - rate : 0;
  kv_tokens_ = all_ > 0 ? kv_tokens_ - (state.record.prompt_tokens + state.generated + got) : 0;
  remaining_ = all_ > 0 ? remaining_ - (state.remaining() - got) : 0;
  const std::uint32_t tokens = tokens_after(state, steps);
  state.generated += tokens;
  state.joined_step = steps_;
  if (!crossings_.empty()) --crossing(state);
  if (growth_.kind == KvGrowth::Kind::kBlocks) {
    const std::uint32_t computed = state.record.prompt_tokens + state.generated - 1;
    state.held_tokens = growth_.rounded(computed) - state.shared_tokens;
  }
  if (steps == 0) {
    std::erase(joined_, request);
    return;
  }
  if (growth_.kind == KvGrowth::Kind::kTokens) state.held_tokens += tokens;
  FinishedRequest& record = state.record;
  record.largest_gap_s = std::max(record.largest_gap_s, gaps_.longest_since(state.joined_segment));
  record.aside_s += all_stood_still_s_ - state.stood_still_before_s;
  state.last_token_s = now_s - stood_still_s_;
}

void Sequences::linger(const RequestState& state) {
  const std::uint32_t tokens = state.record.prompt_tokens + state.generated;
  lingering_.push_back({tokens, state.held_tokens});
  lingering_tokens_ += tokens;
}

std::uint32_t Sequences::end_lingering() {
  std::uint32_t held = 0;
  for (const Lingering& each : lingering_) held += each.held_tokens;
  lingering_.clear();
  lingering_tokens_ = 0;
  return held;
}

void Sequences::advance(std::uint64_t iterations, double first_s, double last_s, double run_s) {
  if (standing_still_) {
    if (all_ > 0) stood_still_s_ += run_s;
    return;
  }
  steps_ += iterations;
  if (all_ == 0) return;
  if (stood_still_s_ > 0) gaps_.add(stood_still_s_ + first_s);
  all_stood_still_s_ += stood_still_s_;
  stood_still_s_ = 0;
  gaps_.add(last_s);
  joined_.clear();
  kv_tokens_ += static_cast<double>(iterations) * rate_;
  remaining_ -= static_cast<double>(iterations) * rate_;
}

}  // namespace cleave
