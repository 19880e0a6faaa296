#pragma once

#include <cstdint>

namespace cleave {

/// The side of a split cluster that an instance works for; mixed instances work for both.
enum class PoolRole : std::uint8_t { kPrompt, kToken, kMixed };

/// "prompt", "token", "mixed".
constexpr const char* role_name(PoolRole role) {
  return role == PoolRole::kPrompt ? "prompt" : role == PoolRole::kToken ? "token" : "mixed";
}

}  // namespace cleave
