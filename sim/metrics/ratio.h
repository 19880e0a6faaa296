#pragma once

#include <cmath>
#include <optional>

namespace cleave {

inline constexpr double kJoulesPerKwh = 3.6e6;

/// 0 where there is nothing that it could be divided by.
inline double per(double value, double over) { return over > 0 ? value / over : 0; }

/// Nothing where there is nothing that it could be divided among.
inline std::optional<double> share(double value, double among) {
  return among > 0 ? std::optional(value / among) : std::nullopt;
}

/// Nothing for NaN, which stands for a number that nobody knows.
inline std::optional<double> known(double value) {
  return std::isnan(value) ? std::nullopt : std::optional(value);
}

}  // namespace cleave
