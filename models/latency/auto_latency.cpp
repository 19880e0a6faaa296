#include "models/latency/instance_model.h"
#include "models/latency/roofline.h"

namespace cleave {

namespace {

using Latency = std::unique_ptr<LatencyModel>;

/// What was measured without a cap, slowed down by one.
class CappedLatency : public PhaseLatency {
 public:
  CappedLatency(LatencyProfile uncapped, double cap) : uncapped_(std::move(uncapped)) {
    const Roofline roofline = load_roofline();
    prompt_slowdown_ = roofline.prompt_cap_slowdown(cap);
    decode_slowdown_ = roofline.decode_cap_slowdown(cap);
  }
  bool estimated() const override { return true; }
  bool shrinks() const override { return uncapped_.shrinks(); }
  std::string profile() const override { return uncapped_.name(); }

 private:
  PrefillCost prefill(double tokens, double pairs, double decodes) const override {
    const PrefillCost cost = uncapped_.prefill.cost(tokens, pairs, decodes);
    return {prompt_slowdown_ * cost.seconds, prompt_slowdown_ * cost.per_pair_s, cost.most_pairs};
  }
  DecodeCost decode(std::uint32_t sequences) const override {
    const DecodeCost cost = uncapped_.decode.cost(sequences);
    return {decode_slowdown_ * cost.base_s, decode_slowdown_ * cost.per_kv_token_s};
  }

  LatencyProfile uncapped_;
  double prompt_slowdown_;
  double decode_slowdown_;
};

Latency make(const std::string& policy, const InstanceDescription& instance) {
  return LatencyPolicies::make(instance.place, "latency policy", policy, instance);
}

Latency best(const InstanceDescription& instance) {
  if (instance.engine_named) return make("engine", instance);
  if (find_measured_profile(instance)) return make("fitted", instance);
  Machine uncapped = instance.machine;
  uncapped.power_cap = 1;
  const InstanceDescription without_cap{
      instance.llm,          uncapped,       instance.tensor_parallel, instance.pipeline_parallel,
      instance.own_profiles, instance.place, instance.data_parallel,   instance.expert_parallel};
  if (auto measured = find_measured_profile(without_cap)) {
    return std::make_unique<CappedLatency>(std::move(*measured), instance.machine.power_cap);
  }
  return make(instance.engine ? "engine" : "roofline", instance);
}

const LatencyPolicies::Entry kEntry{
    "auto",
    "fitted where it was measured, else measured without a power cap, else the step model of the "
    "engine",
    best};

}  // namespace

}  // namespace cleave
