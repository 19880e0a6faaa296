#include "sim/transfer/transfer_policy.h"

namespace cleave {

namespace {

class Layerwise : public TransferPolicy {
  bool layer_by_layer(std::uint32_t) const override { return true; }
};

const TransferPolicies::Entry kEntry{"layerwise", "each layer as soon as it is computed",
                                     [] { return std::make_unique<Layerwise>(); }};

}  // namespace

}  // namespace cleave
