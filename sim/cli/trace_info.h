#pragma once

#include <string>
#include <vector>

#include "traces/statistics.h"

namespace cleave {

struct RateOverTime {
  std::vector<double> rates_rps;  ///< requests a second, from the first arrival
  double bin_s = 0;
};

/// The rates of `statistics`, or, where those are too few to see anything, finer ones counted from
/// the same trace opened once more.
RateOverTime rate_over_time(const TraceStatistics& statistics, RequestSource& again);

/// One line: a name, and behind it what it is.
std::string trace_field(const std::string& name, const std::string& value);

/// A chart of at most 60 columns: neighbouring bins are averaged to fit. Empty for no rates.
std::string rate_chart(const RateOverTime& rate);

/// What `cleave trace info` shows, aligned for a terminal. `format` is how the file was read.
std::string trace_info_text(const TraceStatistics& statistics, const std::string& file,
                            const std::string& format, const RateOverTime& rate);

}  // namespace cleave
