#pragma once

#include <cstdint>
#include <string>

#include "sim/base/json_reader.h"

namespace cleave {

/// An LLM as far as its cost is concerned; profiles/llms/*.json.
struct Llm {
  std::string name;
  std::uint32_t layers = 0;
  std::uint32_t hidden_size = 0;
  std::uint32_t attention_heads = 0;
  std::uint32_t kv_heads = 0;
  double parameters = 0;
  double weight_bytes = 0;           ///< all weights, as stored
  double kv_bytes_per_value = 2;     ///< 2 for FP16
  double kv_bytes_per_token = 0;     ///< over all layers; from the fields above unless given

  /// KV bytes per token if every attention head kept its own keys and values (no grouping):
  /// 2 x hidden size x layers x bytes per value.
  double ungrouped_kv_bytes_per_token() const;
};

/// One GPU; profiles/gpus/*.json.
struct Gpu {
  std::string name;
  double memory_bytes = 0;
  double memory_bandwidth_bps = 0;   ///< bytes per second
  double fp16_flops = 0;             ///< dense tensor throughput
  double tdp_w = 0;
  double idle_w = 0;
  double link_bps = 0;               ///< GPU to GPU, one direction, bytes per second
};

/// One server; profiles/machines/*.json.
struct Machine {
  std::string name;
  Gpu gpu;
  std::uint32_t gpu_count = 0;
  std::uint32_t nic_count = 0;
  double nic_bps = 0;                ///< per NIC and direction, bytes per second
  double power_cap = 1;              ///< of the GPUs' TDP
  double tdp_w = 0;                  ///< provisioned power of the whole machine at power_cap
  double idle_w = 0;                 ///< of the whole machine
  double price_per_hour = 0;         ///< $
  double kv_sync_s = 0;              ///< fixed cost of a KV transfer layer by layer (paper, section VI-A)
};

/// Each throws InputError naming `place` for an unknown name, or the profile's path and field for a
/// profile that is wrong. A name ending in ".json" is a file.
Llm load_llm(const std::string& name, const std::string& place);
Gpu load_gpu(const std::string& name, const std::string& place);
Machine load_machine(const std::string& name, const std::string& place);

}  // namespace cleave
