#pragma once

#include "models/hardware.h"
#include "models/latency_profile.h"

namespace cleave {

/// The power that an instance draws, its share of the machine included: GPUs at the measured
/// fraction of their TDP (never above the cap), everything else in the machine at what the data
/// sheet's maximum leaves for it, at all times.
class PowerModel {
 public:
  /// `instances_per_machine` share `machine_share` of what the machine draws besides its busy GPUs.
  /// `own` are profiles of the scenario's own, before the built-in ones.
  PowerModel(const Llm& llm, const Machine& machine, std::uint32_t tensor_parallel,
             std::uint32_t instances_per_machine, double machine_share = 1,
             const std::vector<LatencyProfile>& own = {});

  double idle_w() const { return share_w_ + gpus_ * idle_per_gpu_w_; }
  double prompt_w(double prompt_tokens) const;
  double decode_w() const { return decode_w_; }
  /// False where the fractions of TDP were measured on another GPU, tensor-parallel degree or LLM.
  bool measured() const { return measured_; }

 private:
  double gpus_;
  double gpu_tdp_w_;
  double gpu_cap_;
  double idle_per_gpu_w_;
  double share_w_;
  double decode_w_;
  bool measured_;
  PhasePower power_;
};

}  // namespace cleave
