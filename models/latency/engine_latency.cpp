#include <vector>

#include "models/latency/engine_profile.h"
#include "models/latency/instance_model.h"
#include "models/latency/roofline.h"
#include "models/latency/step_model.h"
#include "sim/base/error.h"

namespace cleave {

namespace {

class EngineLatency : public LatencyModel {
 public:
  EngineLatency(const InstanceDescription& instance, const EngineProfile& engine)
      : steps_(instance.llm, instance.machine, instance.parallelism(),
               Operators(instance.machine.gpu, engine.kernels), engine.host),
        how_sure_(cleave::how_sure(engine, instance.llm.name, instance.machine.gpu.name)),
        frontend_s_(engine.host.frontend_s) {
    const Roofline measured = load_roofline();
    prompt_slowdown_ = measured.prompt_cap_slowdown(instance.machine.power_cap);
    decode_slowdown_ = measured.decode_cap_slowdown(instance.machine.power_cap);
  }

  RunCost cost(const BatchShape& shape) const override {
    const double slowdown = shape.prefill_tokens > 0 ? prompt_slowdown_ : decode_slowdown_;
    const RunCost cost = steps_.cost(shape);
    return {slowdown * cost.first_s, slowdown * cost.growth_s, cost.holds_for};
  }
  bool estimated() const override { return true; }
  std::string how_sure() const override { return how_sure_; }
  double frontend_s() const override { return frontend_s_; }

 private:
  StepModel steps_;
  std::string how_sure_;
  double frontend_s_;
  double prompt_slowdown_;  ///< by a power cap, as it was measured for the paper
  double decode_slowdown_;
};

const LatencyPolicies::Entry kEntry{
    "engine",
    "the step model: kernels from operator tables, the engine's own costs from its profile "
    "(latency.engine)",
    [](const InstanceDescription& instance) -> std::unique_ptr<LatencyModel> {
      if (instance.engine == nullptr) {
        throw InputError(
            "latency.engine: is missing; expected the engine that iterations are "
            "to be those of: vllm, sglang, trtllm, or a JSON file");
      }
      if (instance.engine->roofline) {
        return LatencyPolicies::make(instance.place, "latency policy", "roofline", instance);
      }
      return std::make_unique<EngineLatency>(instance, *instance.engine);
    }};

}  // namespace

}  // namespace cleave
