#pragma once

// The schedulers of docs/engines.md, written from that page alone and step by step: every step is
// planned, timed and finished, each list is a vector and nothing is remembered that can be counted
// again. The policies of the simulator are held against this.

#include <vector>

#include "tests/support/engine_oracle/sglang.h"
#include "tests/support/engine_oracle/trtllm.h"
#include "tests/support/engine_oracle/vllm.h"

namespace cleave::oracle {

inline Result run(const Vllm& settings, const Memory& memory, const Cost& cost,
                  const std::vector<Request>& requests) {
  return VllmEngine(settings, memory, cost, requests).run();
}

inline Result run(const Sglang& settings, const Memory& memory, const Cost& cost,
                  const std::vector<Request>& requests) {
  return SglangEngine(settings, memory, cost, requests).run();
}

inline Result run(const Trtllm& settings, const Memory& memory, const Cost& cost,
                  const std::vector<Request>& requests) {
  return TrtllmEngine(settings, memory, cost, requests).run();
}

}  // namespace cleave::oracle
