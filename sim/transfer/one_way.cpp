#include "sim/transfer/transfer_policy.h"

namespace cleave {

namespace {

/// The same for every prompt.
template <Leaving kLeaving>
class OneWay : public TransferPolicy {
  Leaving leaving(std::uint32_t) const override { return kLeaving; }
};

const TransferPolicies::Entry kLayerwise{"layerwise", "each layer as soon as it is computed", [] {
                                           return std::make_unique<OneWay<Leaving::kLayers>>();
                                         }};
const TransferPolicies::Entry kSerialized{
    "serialized", "the whole cache after the prompt phase",
    [] { return std::make_unique<OneWay<Leaving::kWhole>>(); }};

}  // namespace

}  // namespace cleave
