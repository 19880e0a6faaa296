#pragma once

#include <string>

#include "models/catalogue/hardware.h"
#include "models/catalogue/llm.h"

namespace cleave {

/// What an instance needs in its GPUs' memory to serve at all, over all of them, bytes.
struct MemoryNeed {
  double weights = 0;
  double kv_cache = 0;     ///< of one request of so many tokens
  double activations = 0;  ///< of a prompt batch of as many: residual, attention and MLP of a layer
  double total() const { return weights + kv_cache + activations; }
};

/// "352 GB": bytes in units of 1e9.
std::string gigabytes(double bytes);

MemoryNeed memory_need(const Llm& llm, std::uint32_t tensor_parallel,
                       std::uint32_t pipeline_parallel, double tokens);

/// One sentence that says what is missing and which tensor or pipeline parallel degree, format of
/// weights or GPU would make it fit into this fraction of the GPUs' memory; "" where it fits.
std::string why_not_fit(const Llm& llm, const Machine& machine, std::uint32_t tensor_parallel,
                        std::uint32_t pipeline_parallel, double tokens, double memory_fraction);

}  // namespace cleave
