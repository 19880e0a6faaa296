#include "sim/machine/memory_policy.h"

namespace cleave {

namespace {

/// A sequence takes room token by token, as serving systems with paged KV caches do; the output
/// length need not be known. Where room runs out, a sequence drops its KV cache and computes it
/// again later.
class PagedMemory : public MemoryPolicy {
  std::uint32_t to_start_prompt(std::uint32_t tokens, std::uint32_t) const override {
    return tokens + 1;
  }
  KvGrowth growth() const override { return {KvGrowth::Kind::kTokens}; }
};

const MemoryPolicies::Entry kEntry{"paged", "sequences grow token by token",
                                   [] { return std::make_unique<PagedMemory>(); }};

}  // namespace

}  // namespace cleave
