#include "models/power.h"

#include <algorithm>

namespace cleave {

namespace {

/// Where nothing was measured: prompts at TDP, decodes at the median of what was (0.43 to 0.74).
const PhasePower kUsual{{{1}, {1}}, 0.6};

/// Fractions of TDP carry over from the A100, the GPU whose power was measured.
constexpr const char* kMeasuredGpu = "a100-80gb";

struct Found {
  PhasePower power;
  bool measured;
};

Found find(const Llm& llm, const Machine& machine, std::uint32_t tensor_parallel,
           const std::vector<LatencyProfile>& own_profiles) {
  const auto own = find_latency_profile(
      latency_profile_name(llm.name, machine.gpu.name, machine.power_cap, tensor_parallel),
      own_profiles);
  if (own && own->power) return {*own->power, true};
  const auto like =
      find_latency_profile(latency_profile_name(llm.name, kMeasuredGpu, 1, tensor_parallel));
  if (like && like->power) return {*like->power, false};
  return {kUsual, false};
}

}  // namespace

PowerModel::PowerModel(const Llm& llm, const Machine& machine, std::uint32_t tensor_parallel,
                       std::uint32_t instances_per_machine, double machine_share,
                       const std::vector<LatencyProfile>& own)
    : gpus_(tensor_parallel),
      gpu_tdp_w_(machine.gpu.tdp_w),
      gpu_cap_(machine.power_cap),
      idle_per_gpu_w_(std::min(machine.gpu.idle_w, machine.gpu.tdp_w * machine.power_cap)) {
  const double unused = machine.gpu_count * machine_share - gpus_ * instances_per_machine;
  share_w_ = (machine.rest_w() * machine_share + unused * idle_per_gpu_w_) / instances_per_machine;
  Found found = find(llm, machine, tensor_parallel, own);
  power_ = std::move(found.power);
  measured_ = found.measured;
  decode_w_ =
      share_w_ + gpus_ * std::max(idle_per_gpu_w_, gpu_tdp_w_ * std::min(gpu_cap_, power_.decode));
}

double PowerModel::prompt_w(double prompt_tokens) const {
  const double fraction = std::clamp(power_.prompt(prompt_tokens), power_.decode, 1.0);
  return share_w_ + gpus_ * std::max(idle_per_gpu_w_, gpu_tdp_w_ * std::min(gpu_cap_, fraction));
}

}  // namespace cleave
