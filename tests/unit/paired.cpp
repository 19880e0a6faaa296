#include "sim/explore/paired.h"

#include <cmath>

#include "sim/base/random.h"
#include "tests/catch.h"

using namespace cleave;

TEST_CASE("The interval of a mean is as wide as Student's distribution says") {
  // s = 1, n = 3; t(0.975, 2) = 4.302653 from a table.
  const Interval two = mean_interval({1, 2, 3}, 0.95);
  CHECK(two.low == Approx(2 - 4.302653 / std::sqrt(3)));
  CHECK(two.high == Approx(2 + 4.302653 / std::sqrt(3)));
  // s = 1.581139, n = 5; t(0.995, 4) = 4.604095.
  const Interval five = mean_interval({1, 2, 3, 4, 5}, 0.99);
  CHECK(five.high - five.low == Approx(2 * 4.604095 * 1.581139 / std::sqrt(5)));
}

TEST_CASE("What never varies is certain") {
  const Interval still = mean_interval({0.25, 0.25, 0.25}, 0.95);
  CHECK(still.low == 0.25);
  CHECK(still.high == 0.25);
  CHECK_FALSE(still.contains(0));
  CHECK(mean_interval({0, 0}, 0.95).contains(0));
}

TEST_CASE("Of intervals with a confidence of 90 %, one in ten misses the mean") {
  Random random(7, 0);
  int missed = 0;
  constexpr int kTimes = 4000;
  for (int i = 0; i < kTimes; ++i) {
    std::vector<double> differences;
    for (int seed = 0; seed < 5; ++seed) {
      // A sum of twelve uniform numbers is close to a normal one.
      double sum = -6;
      for (int part = 0; part < 12; ++part) sum += random.uniform();
      differences.push_back(sum);
    }
    missed += mean_interval(differences, 0.9).contains(0) ? 0 : 1;
  }
  // Within four standard deviations, sqrt(4000 x 0.1 x 0.9) = 19.
  CHECK(missed > 400 - 4 * 19);
  CHECK(missed < 400 + 4 * 19);
}
