#include "traces/gamma_gaps.h"

#include <cmath>

#include "traces/portable_math.h"

namespace cleave {

GammaGaps::GammaGaps(double cv, Random random)
    : shape_(1 / (cv * cv)),
      d_((shape_ < 1 ? shape_ + 1 : shape_) - 1.0 / 3),
      c_(1 / std::sqrt(9 * d_)),
      random_(random) {}

double GammaGaps::next() {
  double gap = draw_large_shape();
  if (shape_ < 1) gap *= portable_exp(portable_log(random_.uniform()) / shape_);
  return gap / shape_;
}

// A gamma density times its value is that of one shape more.
double GammaGaps::first() {
  double gap = draw_large_shape();
  if (shape_ >= 1) gap -= portable_log(random_.uniform());
  return random_.uniform() * gap / shape_;
}

/// Of shape_, or of shape_ + 1 where that is below 1.
double GammaGaps::draw_large_shape() {
  while (true) {
    const double x = normal_quantile(random_.uniform());
    const double root = 1 + c_ * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double limit = 0.5 * x * x + d_ - d_ * v + d_ * portable_log(v);
    if (portable_log(random_.uniform()) < limit) return d_ * v;
  }
}

}  // namespace cleave
