#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/latency/latency.h"

namespace cleave {

/// `latency`, but decode iterations run as captured CUDA graphs: the tokens of sequences are padded
/// to the next of `sizes` (ascending, not empty, from 1); where they are more than the largest, the
/// iteration runs without a graph and takes `eager_s` longer, the host's time to launch its
/// kernels. Iterations with prompts are as `latency` has them.
std::unique_ptr<LatencyModel> with_cuda_graphs(std::unique_ptr<LatencyModel> latency,
                                               std::vector<std::uint32_t> sizes, double eager_s);

}  // namespace cleave
