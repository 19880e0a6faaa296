#pragma once

#include "sim/base/random.h"

namespace cleave {

/// Gaps between requests, in units of the mean gap: of a gamma distribution with shape 1/cv^2, so
/// that requests come in bursts above cv = 1, and more evenly than Poisson's below. Drawn by the
/// method of Marsaglia and Tsang (ACM TOMS 26, 2000), with its power of a uniform for shapes
/// below 1.
class GammaGaps {
 public:
  GammaGaps(double cv, Random random);

  double next();
  /// From any time to the next request, rather than from a request: a gap, longer ones as much more
  /// likely as they are longer, cut at a uniform place (Cox, Renewal Theory, 1962). Who begins with
  /// it sends at the mean rate from the start on; who begins with next() sends a burst first.
  double first();

 private:
  double draw_large_shape();

  double shape_;
  double d_;
  double c_;
  Random random_;
};

}  // namespace cleave
