#pragma once

#include <string>

#include "models/catalogue/hardware.h"
#include "models/catalogue/llm.h"
#include "models/latency/latency_profile.h"

namespace cleave {

/// The part of a machine that an instance is.
struct GpuShare {
  std::uint32_t tensor_parallel = 1;
  std::uint32_t pipeline_parallel = 1;
  std::uint32_t instances_per_machine = 1;
  double machine_share = 1;  ///< of what the machine draws besides its busy GPUs: for all of them

  std::uint32_t data_parallel = 1;

  std::uint32_t gpus() const { return tensor_parallel * pipeline_parallel * data_parallel; }
};

/// The power that an instance draws, its share of the machine included: GPUs at the measured
/// fraction of their TDP (never above the cap), everything else in the machine at what the data
/// sheet's maximum leaves for it, at all times.
class PowerModel {
 public:
  /// `own` are profiles of the scenario's own, before the built-in ones.
  PowerModel(const Llm& llm, const Machine& machine, const GpuShare& share,
             const std::vector<LatencyProfile>& own = {});

  double idle_w() const { return share_w_ + gpus_ * idle_per_gpu_w_; }
  /// With another cap of the GPUs, where that is lower than the machine's: a share of their TDP.
  double prompt_w(double prompt_tokens, double cap = 1) const;
  double decode_w(double cap = 1) const;
  /// Of the instance, its GPUs apart, and of these at TDP.
  double base_w() const { return share_w_; }
  double gpu_w() const { return gpus_ * gpu_tdp_w_; }
  /// Of TDP, that decodes draw without a cap.
  double decode_share() const { return power_.decode; }
  /// False where the fractions of TDP were measured on another GPU, tensor-parallel degree or LLM,
  /// or in other formats.
  bool measured() const { return measured_; }
  /// What it rests on where it is false, in words; else "".
  const std::string& how_sure() const { return how_sure_; }

 private:
  double at_share_w(double share, double cap) const;

  double gpus_;
  double gpu_tdp_w_;
  double gpu_cap_;
  double idle_per_gpu_w_;
  double share_w_;
  bool measured_;
  std::string how_sure_;
  PhasePower power_;
};

}  // namespace cleave
