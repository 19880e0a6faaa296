#include "models/latency/cuda_graphs.h"

#include <algorithm>

namespace cleave {

namespace {

class CudaGraphs : public LatencyModel {
 public:
  CudaGraphs(std::unique_ptr<LatencyModel> latency, std::vector<std::uint32_t> sizes,
             double eager_s)
      : latency_(std::move(latency)), sizes_(std::move(sizes)), eager_s_(eager_s) {}

  RunCost cost(const BatchShape& shape) const override {
    if (shape.prefill_tokens > 0) return latency_->cost(shape);
    const auto size = std::lower_bound(sizes_.begin(), sizes_.end(), shape.decodes);
    BatchShape captured = shape;
    if (size != sizes_.end()) captured.decodes = *size;
    RunCost cost = latency_->cost(captured);
    if (size == sizes_.end()) cost.first_s += eager_s_;
    return cost;
  }
  bool shrinks() const override { return latency_->shrinks(); }
  bool estimated() const override { return latency_->estimated(); }
  std::string how_sure() const override { return latency_->how_sure(); }
  double frontend_s() const override { return latency_->frontend_s(); }
  std::string profile() const override { return latency_->profile(); }

 private:
  std::unique_ptr<LatencyModel> latency_;
  std::vector<std::uint32_t> sizes_;
  double eager_s_;
};

}  // namespace

std::unique_ptr<LatencyModel> with_cuda_graphs(std::unique_ptr<LatencyModel> latency,
                                               std::vector<std::uint32_t> sizes, double eager_s) {
  return std::make_unique<CudaGraphs>(std::move(latency), std::move(sizes), eager_s);
}

}  // namespace cleave
