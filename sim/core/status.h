#pragma once

#include <cstdint>

namespace cleave {

/// The side of a split cluster that an instance works for; mixed instances work for both.
enum class PoolRole : std::uint8_t { kPrompt, kToken, kMixed };

/// "prompt", "token", "mixed".
constexpr const char* role_name(PoolRole role) {
  return role == PoolRole::kPrompt ? "prompt" : role == PoolRole::kToken ? "token" : "mixed";
}

/// Whether an instance works: off (it draws nothing and costs nothing), loading its weights, up, or
/// draining: up, but given nothing new, and off once nothing is left on it.
enum class InstanceStatus : std::uint8_t { kOff, kLoading, kUp, kDraining };

/// Whose GPUs are capped first where power is short.
enum class SlowedFirst : std::uint8_t { kPrompts, kTokens };

/// "off", "loading", "up", "draining".
constexpr const char* status_name(InstanceStatus status) {
  constexpr const char* kNames[] = {"off", "loading", "up", "draining"};
  return kNames[static_cast<unsigned>(status)];
}

}  // namespace cleave
