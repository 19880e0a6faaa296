#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sim/core/ids.h"

namespace cleave {

/// Where KV caches are kept behind the memory of GPUs.
enum class Tier : std::uint8_t { kHost, kDisk, kStore };
inline constexpr std::size_t kTiers = 3;
inline constexpr std::array<const char*, kTiers> kTierNames{"host", "disk", "store"};
constexpr const char* tier_name(Tier tier) { return kTierNames[static_cast<std::size_t>(tier)]; }

/// Tokens by the tier that has them.
class TierTokens {
 public:
  std::uint32_t& operator[](Tier tier) { return tokens_[static_cast<std::size_t>(tier)]; }
  std::uint32_t operator[](Tier tier) const { return tokens_[static_cast<std::size_t>(tier)]; }
  std::uint32_t all() const { return tokens_[0] + tokens_[1] + tokens_[2]; }

 private:
  std::array<std::uint32_t, kTiers> tokens_{};
};

/// A tier as an instance has it.
struct TierRoom {
  Tier tier = Tier::kHost;
  double bytes = 0;              ///< for KV caches: of the instance; of a store for all
  double bytes_per_token = 0;    ///< that a token's KV cache takes and moves
  double read_bytes_per_s = 0;   ///< host: of the instance; disk: of its machine; store: of it
  double write_bytes_per_s = 0;  ///< the same
  double latency_s = 0;          ///< of each move
  bool write_back = false;  ///< takes what the tier before throws out, else all that comes there
};

/// KV caches that were moved between the memory of GPUs, or a tier before it, and a tier.
struct TierMove {
  Tier tier = Tier::kHost;
  InstanceId instance = kNoInstance;
  bool load = false;  ///< towards the GPUs
  double asked_s = 0;
  double end_s = 0;
  std::uint32_t tokens = 0;
  double bytes = 0;
};

}  // namespace cleave
