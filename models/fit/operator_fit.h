#pragma once

#include <string>
#include <vector>

#include "models/catalogue/hardware.h"
#include "models/latency/operators.h"

namespace cleave {

/// The tables of single kernels in `folder`, fitted: `<operator>__<engine>__<version>.csv` or
/// `.csv.gz`, with latencies in ms, as aiconfigurator keeps them (operators gemm,
/// context_attention, generation_attention, context_mla, generation_mla, moe, custom_allreduce;
/// others are left out by name). Rows faster than the data sheet of `gpu` allows are not used, and
/// tables that have many of them, or are off by orders of magnitude, are left out, each with the
/// reason. Throws InputError where nothing is left.
OperatorTable fit_operators(const std::string& folder, const Gpu& gpu);

/// Times of one kernel beside what the data sheet says they take at least, in seconds.
struct KernelTimes {
  std::vector<double> seconds;
  std::vector<double> memory_s;   ///< bytes over bandwidth
  std::vector<double> compute_s;  ///< flops over peak
  std::vector<double> beside_s;   ///< known to come on top
};

/// The OperatorFit with the least absolute error of the logarithm.
OperatorFit fit_kernel(const KernelTimes& times);

}  // namespace cleave
