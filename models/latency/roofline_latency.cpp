#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "models/latency/instance_model.h"
#include "models/latency/phase_latency.h"
#include "models/latency/roofline.h"
#include "sim/base/error.h"

namespace cleave {

namespace {

double dot(const RooflineTerms& terms, const RooflineTerms& factors) {
  return std::inner_product(terms.begin(), terms.end(), factors.begin(), 0.0);
}

/// Derived from data sheets, with factors fitted to everything measured.
class RooflineLatency : public PhaseLatency {
 public:
  explicit RooflineLatency(const InstanceDescription& instance)
      : llm_(instance.llm),
        gpu_(instance.machine.gpu),
        instance_{llm_, gpu_, instance.tensor_parallel, instance.pipeline_parallel},
        roofline_(load_roofline()),
        prompt_slowdown_(roofline_.prompt_cap_slowdown(instance.machine.power_cap)),
        decode_slowdown_(roofline_.decode_cap_slowdown(instance.machine.power_cap)) {}

  bool estimated() const override { return true; }
  std::string how_sure() const override {
    double prefill = 0;
    double decode = 0;
    for (const Roofline::Error& error : roofline_.errors) {
      prefill = std::max(prefill, error.prefill);
      decode = std::max(decode, error.decode);
    }
    constexpr double kPercent = 100;
    return "prefill +/- " + std::to_string(std::lround(kPercent * prefill)) + " %, decode +/- " +
           std::to_string(std::lround(kPercent * decode)) +
           " % on LLMs and GPUs left out, for the software of 2023";
  }

 private:
  PrefillCost prefill(double tokens, double pairs, double decodes) const override {
    const double seconds =
        dot(prefill_terms(instance_, tokens + decodes, pairs), roofline_.prefill);
    RooflineTerms one_pair = prefill_terms(instance_, 1, 1);
    const RooflineTerms none = prefill_terms(instance_, 1, 0);
    for (std::size_t i = 0; i < one_pair.size(); ++i) one_pair[i] -= none[i];
    return {prompt_slowdown_ * seconds, prompt_slowdown_ * dot(one_pair, roofline_.prefill)};
  }
  DecodeCost decode(std::uint32_t sequences) const override {
    const double base_s = dot(decode_terms(instance_, sequences, 0), roofline_.decode);
    const double one_kv_s = dot(decode_terms(instance_, 0, 1), roofline_.decode) -
                            dot(decode_terms(instance_, 0, 0), roofline_.decode);
    return {decode_slowdown_ * base_s, decode_slowdown_ * one_kv_s};
  }

  Llm llm_;
  Gpu gpu_;
  RooflineInstance instance_;
  Roofline roofline_;
  double prompt_slowdown_;
  double decode_slowdown_;
};

const LatencyPolicies::Entry kEntry{
    "roofline", "estimated from data sheets, with factors fitted to everything measured",
    [](const InstanceDescription& instance) {
      if (instance.data_parallel > 1 || instance.expert_parallel > 1) {
        throw InputError(instance.place +
                         ": the roofline of 2023's software knows neither data_parallel nor "
                         "expert_parallel; expected an engine of today: latency.engine, or "
                         "batching.policy vllm, sglang or trtllm");
      }
      return std::make_unique<RooflineLatency>(instance);
    }};

}  // namespace

}  // namespace cleave
