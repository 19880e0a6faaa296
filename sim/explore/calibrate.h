#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "models/latency/engine_profile.h"
#include "sim/explore/validate.h"

namespace cleave {

/// Fits the host costs of an engine and two efficiencies of its kernels to measured runs, by
/// simulating them. All are looked for as factors of those of `start`, which count as a prior, that
/// of efficiencies ten times as much: what the runs say nothing about stays. Least absolute error
/// of the logarithms of TPOT and, as far as `ttft_weight`, TTFT.
///
/// Near saturation TTFT says more of the load than of the engine: where iterations that are a
/// percent longer make it so many percent longer, it counts as much less.
struct CalibrationOptions {
  std::size_t parallel = 1;
  double ttft_weight = 0.3;
  int rounds = 4;
  std::function<void(std::size_t done, std::size_t all)> progress;
};

struct Calibration {
  EngineProfile profile;                   ///< with errors on groups that were left out
  std::vector<MeasuredFigures> predicted;  ///< of each point, with it
  /// Of each point: by how many percent TTFT grows where all iterations are a percent longer.
  std::vector<double> sensitivity;
};

/// From here on a run counts as saturated.
inline constexpr double kSaturated = 3;

/// `points` are those of one engine that can be described. Throws InputError where they are too few
/// to say anything.
Calibration calibrate(const std::vector<MeasuredPoint>& points, const MeasuredSources& sources,
                      const EngineProfile& start, const CalibrationOptions& options);

}  // namespace cleave
