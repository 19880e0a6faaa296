#pragma once

#include <cstdint>
#include <optional>

#include "sim/base/registry.h"

namespace cleave {

/// When parts of a prompt's KV cache leave its instance.
enum class Leaving : std::uint8_t {
  kWhole,   ///< all of it when the prompt phase is done
  kChunks,  ///< each chunk of the prompt when it is computed
  kLayers,  ///< the same, but of the last chunk, or of all where there is one, each layer when it
            ///< is
};

/// What each flow of a transfer costs before its bytes leave: setup_s, and descriptor_s for each
/// piece of memory that is posted.
struct PostingCost {
  double setup_s = 0;
  double descriptor_s = 0;
  /// Nothing: each layer's keys and values by themselves, in runs of at least 16 tokens.
  std::optional<double> descriptors_per_block;
};

/// When the KV cache of a prompt leaves its instance. Scenario: `kv_transfer.policy`. An
/// implementation keeps nothing and knows no cluster: the same prompt has the same answer at any
/// time.
class TransferPolicy {
 public:
  virtual ~TransferPolicy() = default;
  virtual Leaving leaving(std::uint32_t prompt_tokens) const = 0;
  virtual PostingCost cost() const { return {}; }
};
using TransferPolicies = Registry<TransferPolicy>;

}  // namespace cleave
