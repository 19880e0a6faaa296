#pragma once

#include <cstdint>

#include "sim/base/registry.h"

namespace cleave {

/// When the KV cache of a prompt leaves its instance. Scenario: `kv_transfer.policy`. An
/// implementation keeps nothing and knows no cluster: the same prompt has the same answer at any
/// time.
class TransferPolicy {
 public:
  virtual ~TransferPolicy() = default;
  /// True where each layer leaves as soon as it is computed, while the prompt phase goes on; false
  /// where the whole cache leaves when the prompt phase is done.
  virtual bool layer_by_layer(std::uint32_t prompt_tokens) const = 0;
};
using TransferPolicies = Registry<TransferPolicy>;

}  // namespace cleave
