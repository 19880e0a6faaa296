#include "sim/machine/kv_memory.h"

#include <limits>

namespace cleave {

KvMemory::KvMemory(InstanceId instance, const KvMemoryKind& kind, const Clock& clock,
                   Observer& observer)
    : instance_(instance),
      kind_(&kind),
      clock_(&clock),
      observer_(&observer),
      growth_per_token_(kind.policy->growth()) {
  report();
}

void KvMemory::hold(std::uint32_t tokens) {
  held_tokens_ += tokens;
  report();
}

void KvMemory::release(std::uint32_t tokens) {
  held_tokens_ -= tokens;
  if (held_tokens_ < 0) {
    broken_invariant("instance " + std::to_string(instance_) +
                     " freed more KV memory than it held");
  }
  report();
}

void KvMemory::grow(std::uint64_t tokens) {
  const auto grown = static_cast<std::int64_t>(tokens * growth_per_token_);
  if (grown > 0) {
    held_tokens_ += grown;
    report();
  }
  if (held_tokens_ > capacity()) {
    broken_invariant("instance " + std::to_string(instance_) + " holds more KV memory than it has");
  }
}

bool KvMemory::fits(std::int64_t tokens, Growing growing) const {
  const std::int64_t next = growth(growing.sequences);
  const std::int64_t headroom = held_tokens_ > 0 ? kind_->watermark_tokens + next : 0;
  const std::int64_t begun = next * static_cast<std::int64_t>(growing.iterations);
  return held_tokens_ + begun + tokens + headroom <= capacity();
}

std::uint64_t KvMemory::iterations_left(std::uint32_t sequences) const {
  const std::int64_t each = growth(sequences);
  if (each == 0) return std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>((capacity() - held_tokens_) / each);
}

std::uint32_t KvMemory::to_start(const RequestState& request) const {
  if (request.phase() == Phase::kToken) return kind_->policy->tokens_to_start(request.remaining());
  const bool stays = request.record.token_instance == instance_;
  return request.prompt_work() + 1 +
         (stays ? kind_->policy->tokens_with_prompt(request.remaining() - 1) : 0);
}

std::uint32_t KvMemory::to_receive(const RequestState& request) const {
  return request.record.prompt_tokens + 1 +
         kind_->policy->tokens_with_prompt(request.record.output_tokens - 1);
}

void KvMemory::report() {
  observer_->memory(
      instance_, clock_->now(),
      kind_->weight_bytes + static_cast<double>(held_tokens_) * kind_->bytes_per_token);
}

}  // namespace cleave
