#include <cmath>

#include "traces/arrivals.h"
#include "traces/generator.h"
#include "traces/portable_math.h"

namespace cleave {
namespace {

/// Gamma gaps with shape 1/cv^2: bursts above cv = 1, more even than Poisson below. Drawn by the
/// method of Marsaglia and Tsang (ACM TOMS 26, 2000), with its power of a uniform for shapes
/// below 1.
class Gamma final : public ArrivalProcess {
 public:
  explicit Gamma(const ArrivalSettings& settings)
      : rate_(settings.rate),
        shape_(1 / (settings.cv * settings.cv)),
        d_((shape_ < 1 ? shape_ + 1 : shape_) - 1.0 / 3),
        c_(1 / std::sqrt(9 * d_)),
        random_(settings.seed, kArrivalStream) {}

  bool next(double& arrival_s) override {
    double gap = draw_large_shape();
    if (shape_ < 1) gap *= portable_exp(portable_log(random_.uniform()) / shape_);
    elapsed_ += gap / shape_;
    arrival_s = rate_.time_of(elapsed_);
    return std::isfinite(arrival_s);
  }

 private:
  double draw_large_shape() {
    while (true) {
      const double x = normal_quantile(random_.uniform());
      const double root = 1 + c_ * x;
      if (root <= 0) continue;
      const double v = root * root * root;
      const double limit = 0.5 * x * x + d_ - d_ * v + d_ * portable_log(v);
      if (portable_log(random_.uniform()) < limit) return d_ * v;
    }
  }

  RateCurve rate_;
  double shape_;
  double d_;
  double c_;
  double elapsed_ = 0;  // in mean gaps
  Random random_;
};

const ArrivalProcesses::Entry kEntry{
    "gamma",
    "bursty arrivals at rate_rps, or at rates over time, gaps with coefficient of variation cv",
    [](const ArrivalSettings& settings) { return std::make_unique<Gamma>(settings); }};

}  // namespace
}  // namespace cleave
