#include "traces/portable_math.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace cleave {

namespace {

constexpr double kLn2High = 6.93147180369123816490e-01;  // 32 bits, so that multiples are exact
constexpr double kLn2Low = 1.90821492927058770002e-10;
constexpr double kSqrt2 = 1.4142135623730951;
constexpr std::uint64_t kMantissaBits = 52;
constexpr int kExponentBias = 1023;

double power_of_two(int exponent) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + kExponentBias)
                               << kMantissaBits);
}

constexpr int kTableSteps = 256;  // a unit
constexpr int kTableMost = 7;     // beyond, the probability is 0 or 1 to 1e-11

/// Phi(x) = 1/2 + phi(x) (x + x^3/3 + x^5/(3 5) + ...) for x >= 0.
double normal_cdf_series(double x) {
  constexpr double kInverseSqrt2Pi = 0.39894228040143268;
  double term = x;
  double sum = x;
  for (int i = 3; term > sum * 1e-17; i += 2) {
    term *= x * x / i;
    sum += term;
  }
  return 0.5 + sum * kInverseSqrt2Pi * portable_exp(-0.5 * x * x);
}

using CdfTable = std::array<double, kTableMost * kTableSteps + 2>;
const CdfTable& cdf_table() {
  static const CdfTable table = [] {
    CdfTable values{};
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = normal_cdf_series(static_cast<double>(i) / kTableSteps);
    }
    return values;
  }();
  return table;
}

}  // namespace

double portable_log(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  int exponent = static_cast<int>(bits >> kMantissaBits) - kExponentBias;
  constexpr std::uint64_t kMantissa = (std::uint64_t{1} << kMantissaBits) - 1;
  double m = std::bit_cast<double>((bits & kMantissa) |
                                   (static_cast<std::uint64_t>(kExponentBias) << kMantissaBits));
  if (m > kSqrt2) {
    m *= 0.5;
    ++exponent;
  }
  // log m = 2 artanh s with |s| below 0.172: ten terms reach 1e-16.
  const double s = (m - 1) / (m + 1);
  const double s2 = s * s;
  double sum = 0;
  for (int i = 19; i >= 3; i -= 2) sum = (sum + 1.0 / i) * s2;
  return exponent * kLn2High + (2 * (s + s * sum) + exponent * kLn2Low);
}

double portable_exp(double x) {
  if (x < -700) return 0;
  const double k = std::floor(x / (kLn2High + kLn2Low) + 0.5);
  const double r = (x - k * kLn2High) - k * kLn2Low;
  double sum = 1;
  for (int i = 14; i >= 1; --i) sum = 1 + sum * r / i;
  return sum * power_of_two(static_cast<int>(k));
}

double normal_quantile(double p) {
  const double d = p - 0.5;
  if (std::fabs(d) <= 0.425) {
    const double r = 0.180625 - d * d;
    return d * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179) /
           (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0);
  }
  double r = std::sqrt(-portable_log(d < 0 ? p : 1 - p));
  double x = 0;
  if (r <= 5) {
    r -= 1.6;
    x = (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777) /
        ((0.12021132975 * r + 0.73700164250) * r + 1.0);
  } else {
    r -= 5;
    x = (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150) /
        ((0.012258202635 * r + 0.24197894225) * r + 1.0);
  }
  return d < 0 ? -x : x;
}

double normal_cdf(double x) {
  const double steps = std::fabs(x) * kTableSteps;
  if (steps >= kTableMost * kTableSteps) return x < 0 ? 0 : 1;
  const CdfTable& table = cdf_table();
  const auto i = static_cast<std::size_t>(steps);
  const double above = table[i] + (steps - static_cast<double>(i)) * (table[i + 1] - table[i]);
  return x < 0 ? 1 - above : above;
}

}  // namespace cleave
