#include "sim/transfer/transfer_policy.h"

namespace cleave {

namespace {

/// The same for every prompt.
template <bool kLayers>
class OneWay : public TransferPolicy {
  bool layer_by_layer(std::uint32_t) const override { return kLayers; }
};

const TransferPolicies::Entry kLayerwise{"layerwise", "each layer as soon as it is computed",
                                         [] { return std::make_unique<OneWay<true>>(); }};
const TransferPolicies::Entry kSerialized{"serialized", "the whole cache after the prompt phase",
                                          [] { return std::make_unique<OneWay<false>>(); }};

}  // namespace

}  // namespace cleave
