#pragma once

#include <cstdint>

namespace cleave {

/// How an LLM is spread over the GPUs of an instance.
struct Parallelism {
  std::uint32_t tensor = 1;    ///< GPUs that share each layer's attention
  std::uint32_t pipeline = 1;  ///< stages
  std::uint32_t data = 1;      ///< groups with attention of their own, for sequences of their own
  std::uint32_t expert = 1;    ///< parts of a stage's GPUs with experts of their own

  std::uint32_t stage_gpus() const { return tensor * data; }
  std::uint32_t gpus() const { return stage_gpus() * pipeline; }
};

}  // namespace cleave
