#pragma once

#include <string>
#include <vector>

#include "traces/statistics.h"

namespace cleave {

/// What `cleave trace info` shows, aligned for a terminal. `format` is how the file was read.
std::string trace_info_text(const TraceStatistics& statistics, const std::string& file,
                            const std::string& format);

/// A chart of at most 60 columns: neighbouring bins of `bin_s` seconds are averaged to fit.
/// Rates are requests a second; empty for no rates.
std::string rate_chart(const std::vector<double>& rates_rps, double bin_s);

}  // namespace cleave
