#include <cmath>

#include "traces/arrivals.h"
#include "traces/generator.h"
#include "traces/portable_math.h"

namespace cleave {
namespace {

/// Independent users: exponential gaps.
class Poisson final : public ArrivalProcess {
 public:
  explicit Poisson(const ArrivalSettings& settings)
      : rate_(settings.rate), random_(settings.seed, kArrivalStream) {}
  bool next(double& arrival_s) override {
    elapsed_ -= portable_log(random_.uniform());
    arrival_s = rate_.time_of(elapsed_);
    return std::isfinite(arrival_s);
  }

 private:
  RateCurve rate_;
  double elapsed_ = 0;  // in mean gaps
  Random random_;
};

const ArrivalProcesses::Entry kEntry{
    "poisson", "independent arrivals at rate_rps, or at rates over time",
    [](const ArrivalSettings& settings) { return std::make_unique<Poisson>(settings); }};

}  // namespace
}  // namespace cleave
