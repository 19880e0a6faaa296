#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace cleave {

/// The times of a run of iterations of which the first takes `first_s` and each further one
/// `growth_s` more.
struct RunLength {
  double first_s = 0;
  double growth_s = 0;

  /// Seconds that `n` iterations take.
  double duration_s(std::uint64_t n) const {
    const auto count = static_cast<double>(n);
    return count * first_s + growth_s * (count * (count - 1) / 2);
  }

  /// Whole iterations done after `elapsed_s`.
  std::uint64_t done_by(double elapsed_s) const {
    const double half = first_s - growth_s / 2;
    const double root = growth_s > 0
                            ? (std::sqrt(half * half + 2 * growth_s * elapsed_s) - half) / growth_s
                            : elapsed_s / first_s;
    auto n = static_cast<std::uint64_t>(std::max(0.0, std::floor(root)));
    while (n > 0 && duration_s(n) > elapsed_s) --n;
    while (duration_s(n + 1) <= elapsed_s) ++n;
    return n;
  }

  double last_s(std::uint64_t n) const { return first_s + growth_s * static_cast<double>(n - 1); }
};

}  // namespace cleave
