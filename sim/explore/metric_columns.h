#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/metrics/figure.h"

namespace cleave {

/// A number or text of a run's summary that has a column of its own in a results database.
struct MetricColumn {
  std::string name;          ///< "ttft_p99", "pool0_utilization"
  Json::json_pointer where;  ///< in the summary
};

/// The figures that have columns, in the order of these.
std::vector<Figure> figures_with_columns();

/// All columns, in a fixed order, for scenarios with so many pools.
std::vector<MetricColumn> metric_columns(std::size_t pools);

/// The number, with 0 and 1 for false and true, or the text; null where the summary has none.
Json metric_value(const Json& summary, const MetricColumn& column);

/// The summary without what is long: distributions, series over time and single requests.
Json compact_summary(Json summary);

}  // namespace cleave
