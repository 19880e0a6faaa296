#include "sim/machine/kv_memory.h"

namespace cleave {

KvMemory::KvMemory(InstanceId instance, const KvMemoryKind& kind, const Clock& clock,
                   Observer& observer)
    : instance_(instance), kind_(&kind), clock_(&clock), observer_(&observer) {
  if (kind.prefix_caching) cache_ = std::make_unique<PrefixCache>(block());
  report();
}

void KvMemory::hold(std::uint32_t tokens) {
  held_tokens_ += tokens;
  make_room();
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
  make_room();
}

void KvMemory::make_room(std::int64_t tokens) {
  if (!cache_ || free() < tokens) return;
  const auto room = static_cast<std::uint64_t>((free() - tokens) / block());
  if (cache_->unused() <= room) return;
  evict(cache_->unused() - room);
}

void KvMemory::evict(std::uint64_t blocks) {
  if (kind_->tiers != nullptr) {
    cache_->evict(blocks, [&](const BlockRun& run) { kind_->tiers->went(instance_, run); });
  } else {
    cache_->evict(blocks);
  }
  ++changes_;
}

PrefixHit KvMemory::find(const Content& content, std::uint32_t tokens) const {
  if (!cache_ || tokens == 0) return {};
  const PrefixCache::Found found = cache_->find(content, 0, (tokens - 1) / block());
  return {found.blocks * block(), found.unused * block()};
}

PrefixHit KvMemory::hit(const RequestState& request, const Content& content) const {
  if (!cache_ || request.phase() == Phase::kToken || !request.untouched()) return {};
  const std::uint32_t tokens = request.prompt_work();
  if (answer_.request != request.record.number || answer_.tokens != tokens ||
      answer_.changes != changes_) {
    answer_ = {request.record.number, tokens, changes_, find(content, tokens)};
  }
  return answer_.hit;
}

void KvMemory::use(const Content& content, const PrefixHit& hit) {
  if (hit.tokens == 0) return;
  held_tokens_ += std::int64_t{cache_->use(content, hit.tokens / block())} * block();
  if (kind_->tiers != nullptr) kind_->tiers->used(instance_, content, hit.tokens / block());
  ++changes_;
  report();
}

void KvMemory::keep(RequestState& request, const Content& content, std::uint32_t computed) {
  if (!cache_) return;
  const std::uint32_t from = request.shared_tokens / block();
  const std::uint32_t to = computed / block();
  if (to > from) {
    const std::uint32_t there = cache_->find(content, from, to).blocks;
    const std::uint32_t in_use = cache_->add(content, from, to);
    if (kind_->tiers != nullptr && from + there < to) kind_->tiers->came(instance_, content, to);
    request.shared_tokens = to * block();
    if (kind_->policy->growth().kind == KvGrowth::Kind::kNone) {
      request.held_tokens -= (to - from) * block();
    }
    held_tokens_ -= std::int64_t{in_use} * block();
    make_room();
    ++changes_;
    if (in_use > 0) report();
  }
  if (kind_->policy->growth().kind == KvGrowth::Kind::kBlocks) {
    request.held_tokens = blocks(computed) - request.shared_tokens;
  }
}

void KvMemory::leave(const Content& content, std::uint32_t tokens) {
  if (tokens == 0) return;
  held_tokens_ -= std::int64_t{cache_->leave(content, tokens / block())} * block();
  ++changes_;
  report();
}

void KvMemory::linger(Content& content, std::uint32_t tokens) {
  if (tokens == 0) return;
  if (lingering_count_ == lingering_.size()) lingering_.emplace_back();
  std::pair<Content, std::uint32_t>& place = lingering_[lingering_count_++];
  place.first.swap(content);
  place.second = tokens;
}

void KvMemory::end_lingering() {
  for (std::size_t i = 0; i < lingering_count_; ++i) {
    leave(lingering_[i].first, lingering_[i].second);
  }
  lingering_count_ = 0;
}

std::uint32_t KvMemory::find_below(const RequestState& request, const Content& content) const {
  if (kind_->tiers == nullptr || request.phase() == Phase::kToken || !request.untouched() ||
      request.load_failed) {
    return 0;
  }
  const std::uint32_t from = hit(request, content).tokens / block();
  const std::uint32_t to = (request.prompt_work() - 1) / block();
  return from < to ? kind_->tiers->find(instance_, content, from, to) * block() : 0;
}

std::uint32_t KvMemory::loadable(const RequestState& request, const Content& content,
                                 std::int64_t room) const {
  const std::uint32_t below = find_below(request, content);
  if (below == 0) return 0;
  const std::int64_t most =
      (room - hit(request, content).unused_tokens) / block() * std::int64_t{block()};
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(most, 0, below));
}

std::uint32_t KvMemory::load(RequestId id, RequestState& request, const Content& content,
                             std::int64_t room) {
  const std::uint32_t tokens = loadable(request, content, room);
  if (tokens == 0) return 0;
  const PrefixHit found = hit(request, content);
  use(content, found);
  request.shared_tokens = found.tokens;
  request.held_tokens = tokens;
  hold(tokens);
  kind_->tiers->load(instance_, id, content, found.tokens / block(),
                     (found.tokens + tokens) / block());
  return tokens;
}

void KvMemory::end_load(RequestState& request, const Content& content, std::uint32_t tokens) {
  const std::uint32_t lost = request.held_tokens - tokens;
  request.load_failed = lost > 0;
  request.loaded_tokens += tokens;
  request.held_tokens = tokens;
  keep(request, content, request.shared_tokens + tokens);
  leave(content, std::exchange(request.shared_tokens, 0));
  release(lost + std::exchange(request.held_tokens, 0));
}

void KvMemory::forget() {
  if (cache_) {
    cache_->evict(cache_->unused());
    ++changes_;
  }
}

std::uint32_t KvMemory::to_start(const RequestState& request) const {
  if (request.phase() == Phase::kToken) {
    return kind_->policy->to_start_sequence(request.remaining());
  }
  const bool stays = request.record.token_instance == instance_;
  return kind_->policy->to_start_prompt(request.prompt_work(), stays ? request.remaining() - 1 : 0);
}

void KvMemory::report() {
  observer_->memory(
      instance_, clock_->now(),
      kind_->weight_bytes + static_cast<double>(held_tokens_) * kind_->bytes_per_token);
}

}  // namespace cleave
