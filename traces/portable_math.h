#pragma once

namespace cleave {

/// Functions made of +, -, *, / and square roots only, which IEEE 754 rounds the same everywhere,
/// so that a seed gives the same trace whatever the C library. (The project is compiled without
/// fused multiply-add contraction for the same reason.)

/// Natural logarithm of a positive normal number, to about 1e-15.
double portable_log(double x);

/// e to the power x, to about 1e-15; 0 below x = -700.
double portable_exp(double x);

/// The standard normal variable not exceeded with probability p in (0, 1), to 1e-6: algorithm
/// AS 241 (PPND7) of Wichura, Applied Statistics 37 (1988).
double normal_quantile(double p);

/// The probability that a standard normal variable is at most x, to 5e-7: interpolated in a table
/// made by Marsaglia's series (Journal of Statistical Software 11, 2004).
double normal_cdf(double x);

}  // namespace cleave
