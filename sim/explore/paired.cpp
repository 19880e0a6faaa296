#include "sim/explore/paired.h"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

namespace cleave {

Interval mean_interval(const std::vector<double>& differences, double confidence) {
  const auto n = static_cast<double>(differences.size());
  const double mean = std::accumulate(differences.begin(), differences.end(), 0.0) / n;
  double squares = 0;
  for (const double difference : differences) squares += std::pow(difference - mean, 2);
  const double error = std::sqrt(squares / (n - 1) / n);
  const boost::math::students_t student(n - 1);
  const double t = boost::math::quantile(boost::math::complement(student, (1 - confidence) / 2));
  return {mean - t * error, mean + t * error};
}

}  // namespace cleave
