#include "sim/transfer/transfer_policy.h"

namespace cleave {

namespace {

class Serialized : public TransferPolicy {
  bool layer_by_layer(std::uint32_t) const override { return false; }
};

const TransferPolicies::Entry kEntry{"serialized", "the whole cache after the prompt phase",
                                     [] { return std::make_unique<Serialized>(); }};

}  // namespace

}  // namespace cleave
