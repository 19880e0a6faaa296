#include <cmath>

#include "traces/arrivals.h"

namespace cleave {
namespace {

/// Equal gaps; the first request arrives at 0.
class Constant final : public ArrivalProcess {
 public:
  explicit Constant(const ArrivalSettings& settings) : rate_(settings.rate) {}
  bool next(double& arrival_s) override {
    arrival_s = rate_.time_of(static_cast<double>(count_++));
    return std::isfinite(arrival_s);
  }

 private:
  RateCurve rate_;
  std::uint64_t count_ = 0;
};

const ArrivalProcesses::Entry kEntry{
    "constant", "one arrival every 1/rate_rps seconds, or evenly along rates over time",
    [](const ArrivalSettings& settings) { return std::make_unique<Constant>(settings); }};

}  // namespace
}  // namespace cleave
