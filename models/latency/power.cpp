#include "models/latency/power.h"

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
  const char* how_sure;
};

Found find(const Llm& llm, const Machine& machine, const GpuShare& share,
           const std::vector<LatencyProfile>& own_profiles) {
  const auto named = [&](Formats formats) {
    return find_latency_profile(latency_profile_name(llm.name, machine.gpu.name, machine.power_cap,
                                                     share.tensor_parallel, formats),
                                own_profiles);
  };
  const auto own = named(llm.formats);
  if (own && own->power) {
    if (share.pipeline_parallel == 1) return {*own->power, true, ""};
    return {*own->power, false, "measured without pipeline stages"};
  }
  const auto in_fp16 = named({});
  if (in_fp16 && in_fp16->power) return {*in_fp16->power, false, "measured with this LLM in FP16"};
  const auto like =
      find_latency_profile(latency_profile_name(llm.name, kMeasuredGpu, 1, share.tensor_parallel));
  if (like && like->power) {
    return {*like->power, false,
            "measured with this LLM on an A100, as shares of TDP; prompts carry over, decodes are "
            "up to "
            "0.3 of TDP apart between LLMs and GPUs"};
  }
  return {kUsual, false,
          "nothing was measured, so prompts count at TDP and decodes at 0.6 of it, where measured "
          "ones were at "
          "0.43 to 0.74"};
}

}  // namespace

PowerModel::PowerModel(const Llm& llm, const Machine& machine, const GpuShare& share,
                       const std::vector<LatencyProfile>& own)
    : gpus_(share.gpus()),
      gpu_tdp_w_(machine.gpu.tdp_w),
      gpu_cap_(machine.power_cap),
      idle_per_gpu_w_(std::min(machine.gpu.idle_w, machine.gpu.tdp_w * machine.power_cap)) {
  const double unused =
      machine.gpu_count * share.machine_share - gpus_ * share.instances_per_machine;
  share_w_ = (machine.rest_w() * share.machine_share + unused * idle_per_gpu_w_) /
             share.instances_per_machine;
  Found found = find(llm, machine, share, own);
  power_ = std::move(found.power);
  measured_ = found.measured;
  how_sure_ = found.how_sure;
}

double PowerModel::at_share_w(double share, double cap) const {
  const double drawn = std::min({gpu_cap_, cap, share});
  return share_w_ + gpus_ * std::max(idle_per_gpu_w_, gpu_tdp_w_ * drawn);
}

double PowerModel::prompt_w(double prompt_tokens, double cap) const {
  return at_share_w(std::clamp(power_.prompt(prompt_tokens), power_.decode, 1.0), cap);
}

double PowerModel::decode_w(double cap) const { return at_share_w(power_.decode, cap); }

}  // namespace cleave
