#pragma once

#include <cstdint>

namespace cleave {

/// Instances (one LLM on one group of GPUs; usually a whole machine) are numbered over all pools,
/// in the order of the scenario.
using InstanceId = std::uint32_t;
inline constexpr InstanceId kNoInstance = 0xffffffffU;

/// A request in the cluster, by its place in the table of requests; places are used again.
using RequestId = std::uint32_t;
inline constexpr RequestId kNoRequest = 0xffffffffU;

}  // namespace cleave
