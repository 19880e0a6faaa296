#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "sim/base/json_reader.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// Machines by pool.
using Counts = std::vector<std::uint32_t>;
std::uint32_t machines(const Counts& counts);
/// Of each pool the larger one.
Counts larger(const Counts& a, const Counts& b);

/// Requests at a rate: the workload's, or those of a class that has its own.
struct Stream {
  Json::json_pointer workload;  ///< of the scenario
  RateCurve rates;
  bool varies;  ///< over the day
};
/// Requests a second, by stream.
using Rates = std::vector<double>;
double sum(const Rates& rates);

/// A part of a day that has one size.
struct DayStep {
  double from_s;
  double to_s;
  Rates rates_rps;  ///< the highest of each stream, rounded up to a tenth
  Counts counts = {};
};

std::vector<DayStep> steps_of(const std::vector<Stream>& streams, double end_s, double step_s);

/// Gives each step one of the equally good clusters of its rates, so that the fleet that serves all
/// of them is small; gives that fleet.
Counts choose(std::vector<DayStep>& steps, const std::map<Rates, std::vector<Counts>>& ties);

}  // namespace cleave
