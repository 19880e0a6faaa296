#include "models/latency/mixed_factor.h"

#include <algorithm>

namespace cleave {

namespace {

class MixedFactor : public LatencyModel {
 public:
  MixedFactor(std::unique_ptr<LatencyModel> latency, double factor, bool at_least_decode)
      : latency_(std::move(latency)), factor_(factor), at_least_decode_(at_least_decode) {}

  RunCost cost(const BatchShape& shape) const override {
    if (shape.prefill_tokens == 0 || shape.decodes == 0) return latency_->cost(shape);
    const RunCost prompts =
        latency_->cost({shape.prefill_tokens + shape.decodes, shape.prefill_pairs + shape.decodes,
                        shape.pairs_growth, 0, 0});
    RunCost cost = prompts;
    cost.first_s *= factor_;
    cost.growth_s *= factor_;
    if (at_least_decode_) {
      const RunCost decodes =
          latency_->cost({0, 0, 0, shape.decodes, shape.kv_tokens, shape.kv_growth});
      if (decodes.first_s > cost.first_s) {
        cost = decodes;
        cost.growth_s = 0;
        cost.holds_for = 1;
      } else {
        cost.holds_for = std::min(
            cost.holds_for,
            iterations_within(cost.first_s - decodes.first_s, decodes.growth_s - cost.growth_s));
      }
    }
    return cost;
  }
  bool shrinks() const override { return latency_->shrinks(); }
  bool estimated() const override { return latency_->estimated(); }
  std::string how_sure() const override { return latency_->how_sure(); }
  double frontend_s() const override { return latency_->frontend_s(); }
  std::string profile() const override { return latency_->profile(); }

 private:
  std::unique_ptr<LatencyModel> latency_;
  double factor_;
  bool at_least_decode_;
};

}  // namespace

std::unique_ptr<LatencyModel> with_mixed_factor(std::unique_ptr<LatencyModel> latency,
                                                double factor, bool at_least_decode) {
  return std::make_unique<MixedFactor>(std::move(latency), factor, at_least_decode);
}

}  // namespace cleave
