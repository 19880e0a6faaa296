#include "sim/machine/prompt_chunks.h"

#include <algorithm>

#include "models/latency/latency.h"

namespace cleave {

namespace {

/// What attention sees of a chunk behind the tokens done before, times two.
double pairs_of(double chunk, double before) { return chunk * (chunk + 2 * before); }

}  // namespace

std::uint32_t PromptChunks::left(RequestId request) const {
  const RequestState& state = (*requests_)[request];
  const auto steps = static_cast<std::uint32_t>(steps_ - state.joined_step);
  return state.prompt_left() - steps * state.chunk;
}

std::uint64_t PromptChunks::until_end() const {
  return ends_.empty() ? RunCost::kForEver : ends_.top().key.step - steps_;
}

RequestId PromptChunks::ended() const {
  return ends_.empty() || ends_.top().key.step > steps_ ? kNoRequest : ends_.top().id;
}

std::uint32_t PromptChunks::completed_by(std::uint64_t iterations) const {
  return static_cast<std::uint32_t>(std::count_if(all_.begin(), all_.end(), [&](RequestId id) {
    return iterations * (*requests_)[id].chunk == left(id);
  }));
}

std::int64_t PromptChunks::growth(std::uint64_t iterations) const {
  if (growth_.kind != KvGrowth::Kind::kBlocks) return 0;
  std::int64_t tokens = 0;
  for (const RequestId request : all_) {
    const RequestState& state = (*requests_)[request];
    const std::uint32_t to_compute = left(request);
    const std::uint32_t computed = state.prompt_work() - to_compute;
    const auto chunks =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(iterations * state.chunk, to_compute));
    tokens += growth_.rounded(computed + chunks) - growth_.rounded(computed);
  }
  return tokens;
}

void PromptChunks::start(RequestId request, std::uint32_t chunk) {
  RequestState& state = (*requests_)[request];
  state.joined_step = steps_;
  state.chunk = chunk;
  if (chunk == 0) return;
  ends_.push({steps_ + state.prompt_left() / chunk, state.joined_order}, request);
  tokens_ += chunk;
  pairs_ += pairs_of(chunk, state.prefilled);
  pairs_growth_ += 2.0 * chunk * chunk;
}

void PromptChunks::stop(RequestId request) {
  RequestState& state = (*requests_)[request];
  state.prefilled = state.prompt_work() - left(request);
  if (growth_.kind == KvGrowth::Kind::kBlocks) {
    state.held_tokens = growth_.rounded(state.prefilled) - state.shared_tokens;
  }
  const std::uint32_t chunk = state.chunk;
  state.joined_step = steps_;
  state.chunk = 0;
  if (chunk == 0) return;
  ends_.erase(request);
  tokens_ -= chunk;
  pairs_ -= pairs_of(chunk, state.prefilled);
  pairs_growth_ -= 2.0 * chunk * chunk;
}

void PromptChunks::add(RequestId request, std::uint32_t chunk) {
  all_.push_back(request);
  start(request, chunk);
}

void PromptChunks::set_chunk(RequestId request, std::uint32_t chunk) {
  if ((*requests_)[request].chunk == chunk && left(request) >= chunk) return;
  stop(request);
  start(request, chunk);
}

void PromptChunks::remove(RequestId request) {
  stop(request);
  std::erase(all_, request);
}

void PromptChunks::advance(std::uint64_t iterations) {
  steps_ += iterations;
  pairs_ += static_cast<double>(iterations) * pairs_growth_;
}

}  // namespace cleave
