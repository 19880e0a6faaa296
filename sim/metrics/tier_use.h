#pragma once

#include <array>

#include "sim/core/tier.h"
#include "sim/metrics/figure.h"
#include "sim/metrics/quantiles.h"

namespace cleave {

/// What went through one tier behind GPU memory.
struct TierUse {
  Tier tier = Tier::kHost;
  double bytes = 0;          ///< that it has for KV caches, of all instances
  double prompt_tokens = 0;  ///< of all completed requests
  std::uint64_t loads = 0;
  double loaded_tokens = 0;
  double loaded_bytes = 0;
  double written_bytes = 0;
  Quantiles load_s;

  static const FigureTable<TierUse>& figures();
};

/// By tier.
class TierLog {
 public:
  void add(const TierMove& move);
  const TierUse& of(Tier tier) const { return uses_[static_cast<std::size_t>(tier)]; }

 private:
  std::array<TierUse, kTiers> uses_;
};

}  // namespace cleave
