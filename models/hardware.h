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
  std::uint32_t head_size = 0;     ///< default: hidden_size / attention_heads
  std::uint32_t mlp_size = 0;      ///< of one expert where there are several
  std::uint32_t mlp_matrices = 3;  ///< 2, or 3 where a gate goes with them
  std::uint32_t vocabulary = 0;
  double parameters = 0;
  double weight_bytes = 0;            ///< all weights, as stored
  double published_weight_bytes = 0;  ///< as the published simulator counts them; 0: it does not
  double kv_bytes_per_token = 0;      ///< over all layers

  /// KV bytes per token if every attention head kept its own keys and values (no grouping):
  /// 2 x hidden size x layers x 2 bytes.
  double ungrouped_kv_bytes_per_token() const { return 2.0 * hidden_size * layers * 2; }
};

/// One GPU; profiles/gpus/*.json.
struct Gpu {
  std::string name;
  double memory_bytes = 0;
  double memory_bandwidth_bps = 0;  ///< bytes per second
  double fp16_flops = 0;            ///< dense tensor throughput
  double tdp_w = 0;
  double idle_w = 0;
  double link_bps = 0;  ///< GPU to GPU, one direction, bytes per second
};

/// One server; profiles/machines/*.json.
struct Machine {
  std::string name;
  Gpu gpu;
  std::uint32_t gpu_count = 0;
  std::uint32_t nic_count = 0;
  double nic_bps = 0;         ///< per NIC and direction, bytes per second
  double power_cap = 1;       ///< of the GPUs' TDP
  double provisioned_w = 0;   ///< what a data centre sets aside for it without a cap
  double max_w = 0;           ///< the most it draws without a cap, data sheet
  double price_per_hour = 0;  ///< $
  double kv_sync_s = 0;       ///< fixed cost of a KV transfer layer by layer (paper, section VI-A)

  /// The paper scales a machine's provisioned power by its GPUs' cap (section V).
  double provisioned_at_cap_w() const { return provisioned_w * power_cap; }
  /// Everything but the GPUs: CPUs, NICs, fans; the data sheet's maximum less the GPUs' TDP.
  double rest_w() const { return max_w - gpu.tdp_w * gpu_count; }
};

/// Each throws InputError naming `place` for an unknown name, or the profile's path and field for a
/// profile that is wrong. A name ending in ".json" is a file; an LLM and a GPU then go by the
/// file's name without folder and ending, by which measurements know them.
Llm load_llm(const std::string& name, const std::string& place);
Gpu load_gpu(const std::string& name, const std::string& place);
Machine load_machine(const std::string& name, const std::string& place);

}  // namespace cleave
