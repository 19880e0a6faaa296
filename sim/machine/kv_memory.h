#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "sim/core/observer.h"
#include "sim/engine/clock.h"
#include "sim/machine/lower_tiers.h"
#include "sim/machine/memory_policy.h"
#include "sim/machine/prefix_cache.h"
#include "sim/machine/request_state.h"

namespace cleave {

/// What the KV memory of an instance is made of; shared by the instances of a pool.
struct KvMemoryKind {
  const MemoryPolicy* policy = nullptr;
  std::int64_t capacity_tokens = 0;
  std::int64_t watermark_tokens = 0;  ///< of these, left free by what starts beside others
  double weight_bytes = 0;            ///< in the same memory, for those who watch
  double bytes_per_token = 0;
  bool prefix_caching = false;  ///< of a policy that grows by blocks or reserves them
  LowerTiers* tiers = nullptr;  ///< behind the prefix cache; null: none
};

/// Tokens that a prompt finds in the prefix cache, in whole blocks.
struct PrefixHit {
  std::uint32_t tokens = 0;
  std::uint32_t unused_tokens = 0;  ///< of these, held by nobody until now
};

/// The KV memory of one instance, in tokens: how much is held, and what still fits. Tells observers
/// of every change.
///
/// With a prefix cache, whole blocks that are computed are put into it and held as long as
/// somebody uses them; what nobody uses is free for all who ask.
class KvMemory {
 public:
  KvMemory(InstanceId instance, const KvMemoryKind& kind, const Clock& clock, Observer& observer);

  std::int64_t capacity() const { return kind_->capacity_tokens; }
  std::int64_t held() const { return held_tokens_; }

  void hold(std::uint32_t tokens);
  /// Throws BrokenInvariant where more is released than is held.
  void release(std::uint32_t tokens);
  /// What runs has taken so many tokens. Throws BrokenInvariant where they do not fit.
  void grow(std::int64_t tokens);

  std::int64_t free() const { return capacity() - held_tokens_; }
  /// So many tokens in whole blocks.
  std::uint32_t blocks(std::uint32_t tokens) const {
    return kind_->policy->growth().rounded(tokens);
  }
  std::uint32_t tokens_of(std::uint32_t blocks) const { return blocks * block(); }
  /// Of so many tokens, those in blocks that are full.
  std::uint32_t whole_blocks(std::uint32_t tokens) const { return tokens / block() * block(); }
  /// Left free by what starts beside others.
  std::int64_t watermark() const { return kind_->watermark_tokens; }

  bool caches() const { return cache_ != nullptr; }
  /// What is there of a content, of `tokens` tokens at most; the last of these is always computed.
  PrefixHit find(const Content& content, std::uint32_t tokens) const;
  /// Of a prompt that would start now.
  PrefixHit hit(const RequestState& request, const Content& content) const;
  /// What was found is used by one more, who holds it.
  void use(const Content& content, const PrefixHit& hit);
  /// Of the content of a request so many tokens are computed: what is whole blocks of these leaves
  /// the request's own memory and can be found.
  void keep(RequestState& request, const Content& content, std::uint32_t computed);
  /// Of a content so many tokens are used by one less.
  void leave(const Content& content, std::uint32_t tokens);
  /// The same at the next end_lingering(); takes the content away.
  void linger(Content& content, std::uint32_t tokens);
  void end_lingering();
  /// So many free tokens will be held: what nobody uses goes out of their way now.
  void make_room(std::int64_t tokens = 0);
  /// Of a prompt that would start now, tokens that lower tiers have behind what it would find here.
  std::uint32_t find_below(const RequestState& request, const Content& content) const;
  /// As many of these as there is room for, in whole blocks.
  std::uint32_t loadable(const RequestState& request, const Content& content,
                         std::int64_t room) const;
  /// Starts to load as many of these as there is room for, which the request holds, with what is
  /// found here, until end_load(); gives how many, and nothing happens where that is none.
  std::uint32_t load(RequestId id, RequestState& request, const Content& content,
                     std::int64_t room);
  /// So many of them came and can be found from now on; the request holds nothing.
  void end_load(RequestState& request, const Content& content, std::uint32_t tokens);
  /// Its load goes on for nobody.
  void drop_load(RequestId id) { kind_->tiers->drop(id); }
  /// All that is there is lost; nobody may use anything.
  void forget();

  /// KV tokens that a request takes to run its next task here: a prompt, whose token phase may
  /// follow here, or a token phase.
  std::uint32_t to_start(const RequestState& request) const;
  /// KV tokens to hold for a cache of so many that arrives by a transfer, and of a request that
  /// gets so many tokens later.
  std::uint32_t to_receive(std::uint32_t tokens, std::uint32_t later) const {
    return kind_->policy->to_receive(tokens, later);
  }

 private:
  void evict(std::uint64_t blocks);
  std::uint32_t block() const { return kind_->policy->growth().blocks.tokens; }
  void report();

  InstanceId instance_;
  const KvMemoryKind* kind_;
  const Clock* clock_;
  Observer* observer_;
  std::int64_t held_tokens_ = 0;
  std::unique_ptr<PrefixCache> cache_;  ///< null: none
  std::vector<std::pair<Content, std::uint32_t>> lingering_;
  std::size_t lingering_count_ = 0;  ///< the others are kept for their memory

  // The last answer of hit(), true until something changes.
  struct Answer {
    std::uint64_t request = 0;
    std::uint32_t tokens = 0;
    std::uint64_t changes = 0;
    PrefixHit hit;
  };
  std::uint64_t changes_ = 1;
  mutable Answer answer_;
};

}  // namespace cleave
