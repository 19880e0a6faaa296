#include <cmath>

#include "tests/catch.h"
#include "traces/portable_math.h"

using namespace cleave;

TEST_CASE("The portable logarithm and exponential agree with the C library") {
  for (double x = 1e-300; x < 1e300; x *= 1.37) {
    CHECK(portable_log(x) == Approx(std::log(x)).epsilon(1e-14).margin(1e-15));
  }
  for (double x = -699; x < 700; x += 0.731) {
    CHECK(portable_exp(x) == Approx(std::exp(x)).epsilon(1e-13));
  }
  CHECK(portable_log(1) == 0);
  CHECK(portable_exp(0) == 1);
  CHECK(portable_exp(-1000) == 0);
}

TEST_CASE("The normal distribution and its inverse have their known values") {
  CHECK(normal_quantile(0.5) == 0);
  CHECK(normal_quantile(0.975) == Approx(1.959963985).margin(1e-6));
  CHECK(normal_quantile(1e-9) == Approx(-5.997807015).margin(1e-6));
  CHECK(normal_quantile(1e-16) == Approx(-8.222082216).margin(1e-6));
  CHECK(normal_cdf(0) == 0.5);
  CHECK(normal_cdf(-40) == 0);
  for (double x = -6; x < 6; x += 0.0137) {
    CHECK(normal_cdf(x) == Approx(0.5 * std::erfc(-x / std::sqrt(2))).margin(5e-7));
  }
}
