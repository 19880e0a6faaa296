#include <cmath>

#include "traces/arrivals.h"
#include "traces/gamma_gaps.h"
#include "traces/generator.h"

namespace cleave {
namespace {

/// Bursts above cv = 1, more even than Poisson below.
class Gamma final : public ArrivalProcess {
 public:
  explicit Gamma(const ArrivalSettings& settings)
      : rate_(settings.rate), gaps_(settings.cv, Random(settings.seed, kArrivalStream)) {}

  bool next(double& arrival_s) override {
    elapsed_ += gaps_.next();
    arrival_s = rate_.time_of(elapsed_);
    return std::isfinite(arrival_s);
  }

 private:
  RateCurve rate_;
  GammaGaps gaps_;
  double elapsed_ = 0;  // in mean gaps
};

const ArrivalProcesses::Entry kEntry{
    "gamma",
    "bursty arrivals at rate_rps, or at rates over time, gaps with coefficient of variation cv",
    [](const ArrivalSettings& settings) { return std::make_unique<Gamma>(settings); }};

}  // namespace
}  // namespace cleave
