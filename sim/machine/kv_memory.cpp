#include "sim/machine/kv_memory.h"

namespace cleave {

KvMemory::KvMemory(InstanceId instance, const KvMemoryKind& kind, const Clock& clock,
                   Observer& observer)
    : instance_(instance), kind_(&kind), clock_(&clock), observer_(&observer) {
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

void KvMemory::grow(std::int64_t tokens) {
  if (tokens > 0) {
    held_tokens_ += tokens;
    report();
  }
  if (held_tokens_ > capacity()) {
    broken_invariant("instance " + std::to_string(instance_) + " holds more KV memory than it has");
  }
}

std::uint32_t KvMemory::to_start(const RequestState& request) const {
  if (request.phase() == Phase::kToken) {
    return kind_->policy->to_start_sequence(request.remaining());
  }
  const bool stays = request.record.token_instance == instance_;
  return kind_->policy->to_start_prompt(request.prompt_work(), stays ? request.remaining() - 1 : 0);
}

std::uint32_t KvMemory::to_receive(const RequestState& request) const {
  return kind_->policy->to_receive(request.record.prompt_tokens, request.record.output_tokens - 1);
}

void KvMemory::report() {
  observer_->memory(
      instance_, clock_->now(),
      kind_->weight_bytes + static_cast<double>(held_tokens_) * kind_->bytes_per_token);
}

}  // namespace cleave
