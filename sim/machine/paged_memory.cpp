#include "sim/machine/memory_policy.h"

namespace cleave {

namespace {

/// A sequence takes room token by token, as serving systems with paged KV caches do; the output
/// length need not be known. Where room runs out, a sequence drops its KV cache and computes it
/// again later.
class PagedMemory : public MemoryPolicy {
  std::uint32_t tokens_with_prompt(std::uint32_t) const override { return 0; }
  std::uint32_t tokens_to_start(std::uint32_t) const override { return 0; }
  std::uint32_t growth() const override { return 1; }
};

const MemoryPolicies::Entry kEntry{"paged", "sequences grow token by token",
                                   [] { return std::make_unique<PagedMemory>(); }};

}  // namespace

}  // namespace cleave
