#include <algorithm>
#include <iomanip>
#include <sstream>
#include <vector>

#include "models/latency/engine_profile.h"
#include "models/latency/instance_model.h"
#include "models/latency/roofline.h"
#include "models/latency/step_model.h"
#include "sim/base/error.h"

namespace cleave {

namespace {

/// Where nobody measured kernels on this GPU: how much longer or shorter decodes would be if these
/// came as near to the data sheet as on each GPU that was.
std::string kernel_spread(const InstanceDescription& instance, const EngineProfile& engine) {
  const Gpu& gpu = instance.machine.gpu;
  const auto seconds = [&](const Operators& operators) {
    const StepModel steps(instance.llm, instance.machine, instance.parallelism(), operators,
                          engine.host, instance.skew);
    BatchShape decodes;
    decodes.decodes = 32;
    decodes.kv_tokens = 32 * 1024;
    return steps.cost(decodes).first_s;
  };
  const Operators taken = Operators(gpu, engine.kernels).scale(engine.factors);
  if (taken.own()) return "";
  const double usual_s = seconds(taken);
  double least = 1;
  double most = 1;
  for (const std::string& like : Operators::measured_gpus()) {
    const double times =
        seconds(Operators(gpu, engine.kernels, like).scale(engine.factors)) / usual_s;
    least = std::min(least, times);
    most = std::max(most, times);
  }
  std::ostringstream text;
  text << std::fixed << std::setprecision(2) << "; no kernels were measured on " << gpu.name
       << ": with those of other GPUs decodes take " << least << " to " << most << " times as long";
  return text.str();
}

class EngineLatency : public LatencyModel {
 public:
  EngineLatency(const InstanceDescription& instance, const EngineProfile& engine)
      : steps_(instance.llm, instance.machine, instance.parallelism(),
               Operators(instance.machine.gpu, engine.kernels).scale(engine.factors), engine.host,
               instance.skew),
        how_sure_(cleave::how_sure(engine, instance.llm.name, instance.machine.gpu.name) +
                  kernel_spread(instance, engine)),
        frontend_s_(engine.host.frontend_s),
        shrinks_(instance.data_parallel > 1 ||
                 (instance.skew.skew > 0 && instance.expert_parallel > 1)) {
    const Roofline measured = load_roofline();
    prompt_slowdown_ = measured.prompt_cap_slowdown(instance.machine.power_cap);
    decode_slowdown_ = measured.decode_cap_slowdown(instance.machine.power_cap);
  }

  RunCost cost(const BatchShape& shape) const override {
    const double slowdown = shape.prefill_tokens > 0 ? prompt_slowdown_ : decode_slowdown_;
    RunCost cost = steps_.cost(shape);
    cost.first_s *= slowdown;
    cost.growth_s *= slowdown;
    return cost;
  }
  bool shrinks() const override { return shrinks_; }
  bool estimated() const override { return true; }
  std::string how_sure() const override { return how_sure_; }
  double frontend_s() const override { return frontend_s_; }

 private:
  StepModel steps_;
  std::string how_sure_;
  double frontend_s_;
  bool shrinks_;
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
