#include "sim/machine/memory_policy.h"

namespace cleave {

namespace {

/// The whole output is reserved when the token phase first runs, as the published simulator does
/// with an output length known in advance.
class ReservedMemory : public MemoryPolicy {
  std::uint32_t tokens_to_start(std::uint32_t remaining) const override { return remaining; }
  std::uint32_t growth() const override { return 0; }
};

const MemoryPolicies::Entry kEntry{"reserved", "the whole output is reserved in advance",
                                   [] { return std::make_unique<ReservedMemory>(); }};

}  // namespace

}  // namespace cleave
