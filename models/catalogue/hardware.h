#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "models/catalogue/format.h"

namespace cleave {

/// One GPU; profiles/gpus/*.json.
struct Gpu {
  std::string name;
  double memory_bytes = 0;
  double memory_bandwidth_bytes_per_s = 0;  ///< bytes per second
  double fp16_flops = 0;                    ///< dense tensor throughput
  double fp8_flops = 0;                     ///< 0: none of its own
  double int8_flops = 0;                    ///< 0: none of its own
  double fp4_flops = 0;                     ///< 0: none of its own
  double clock_ghz = 0;                     ///< boost
  double tdp_w = 0;
  double idle_w = 0;
  double link_bytes_per_s = 0;  ///< GPU to GPU, one direction, bytes per second

  std::vector<std::string> aliases;  ///< names by which measurements know it

  /// What products with weights in this format are computed in: the format itself where the GPU
  /// has tensor cores for it, mxfp4 in FP8 (activations are) where it has FP4, else FP16, weights
  /// being unpacked on the way.
  Format product_format(Format weights) const;
  /// In the format of the product.
  double tensor_flops(Format weights) const;
};

/// Nobody publishes one: whatever is summed with it is unknown too.
inline constexpr double kNoPrice = std::numeric_limits<double>::quiet_NaN();

/// One server; profiles/machines/*.json.
struct Machine {
  std::string name;
  Gpu gpu;
  std::uint32_t gpu_count = 0;
  /// That the GPUs' link reaches, those of a server; default: all. Where there are more, the
  /// machine stands for several servers, each with its part of the NICs.
  std::uint32_t linked_gpus = 0;
  std::uint32_t nic_count = 0;
  double nic_bytes_per_s = 0;  ///< per NIC and direction, bytes per second
  double power_cap = 1;        ///< of the GPUs' TDP
  double provisioned_w = 0;    ///< what a data centre sets aside for it without a cap
  double max_w = 0;            ///< the most it draws without a cap, data sheet
  double price_per_hour = 0;   ///< $, or kNoPrice
  // 0 where the profile does not say:
  double host_bytes = 0;              ///< of host memory
  double host_bytes_per_s = 0;        ///< between it and each GPU, one direction, bytes per second
  double disk_bytes = 0;              ///< of its drives together
  double disk_read_bytes_per_s = 0;   ///< the same, bytes per second
  double disk_write_bytes_per_s = 0;  ///< the same
  double kv_sync_s = 0;  ///< fixed cost of a KV transfer layer by layer (paper, section VI-A)

  std::uint32_t servers() const { return gpu_count / linked_gpus; }
  bool has_price() const { return !std::isnan(price_per_hour); }
  /// The paper scales a machine's provisioned power by its GPUs' cap (section V).
  double provisioned_at_cap_w() const { return provisioned_w * power_cap; }
  /// Everything but the GPUs: CPUs, NICs, fans; the data sheet's maximum less the GPUs' TDP.
  double rest_w() const { return max_w - gpu.tdp_w * gpu_count; }
};

/// Each throws InputError naming `place` for an unknown name, or the profile's path and field for a
/// profile that is wrong. A name ending in ".json" is a file; a GPU (or LLM) then goes by the
/// file's name without folder and ending, by which measurements know them.
Gpu load_gpu(const std::string& name, const std::string& place);
Machine load_machine(const std::string& name, const std::string& place);

}  // namespace cleave
