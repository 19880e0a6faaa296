#include "sim/machine/batch.h"

#include <algorithm>

namespace cleave {

void Batch::add(RequestId request) {
  if (ran_.empty() && added_.empty()) next_order_ = 0;
  added_.push_back(request);
  (*requests_)[request].joined_order = next_order_++;
}

void Batch::add_prompt(RequestId request, std::uint32_t chunk) {
  add(request);
  prompts_.add(request, chunk);
  new_prompts_.push_back(request);
}

void Batch::add_sequence(RequestId request) {
  add(request);
  sequences_.add(request);
}

std::uint64_t Batch::until_change() const {
  const std::uint64_t iterations = std::min(prompts_.until_end(), sequences_.until_end());
  return sequences_.lingering() > 0 ? 1 : iterations;
}

std::uint64_t Batch::iterations_within(std::int64_t room, std::uint64_t most) const {
  if (growth(most) <= room) return most;
  std::uint64_t fits = 0;
  std::uint64_t too_many = most;
  while (too_many - fits > 1) {
    const std::uint64_t middle = fits + (too_many - fits) / 2;
    (growth(middle) <= room ? fits : too_many) = middle;
  }
  return fits;
}

void Batch::advance(std::uint64_t iterations, double first_s, double last_s, double run_s) {
  new_prompts_.clear();
  prompts_.advance(iterations);
  sequences_.advance(iterations, first_s, last_s, run_s);
}

RequestId Batch::ended() const {
  const RequestId prompt = prompts_.ended();
  const RequestId sequence = sequences_.ended();
  if (prompt == kNoRequest) return sequence;
  if (sequence == kNoRequest) return prompt;
  return (*requests_)[prompt].joined_order < (*requests_)[sequence].joined_order ? prompt
                                                                                 : sequence;
}

void Batch::remove(RequestId request, double now_s) {
  if ((*requests_)[request].in(steps::kComputesPrompt)) {
    prompts_.remove(request);
    std::erase(new_prompts_, request);
  } else {
    sequences_.remove(request, now_s);
  }
  ran_.erase(request);
}

}  // namespace cleave
