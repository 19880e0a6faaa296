#include "sim/explore/metric_columns.h"

#include <algorithm>
#include <string_view>

#include "sim/metrics/figures.h"

namespace cleave {

namespace {

/// The order of columns: those of the figures whose paths begin so, first, next, ... Of several
/// beginnings the longest counts. Figures of one beginning stand as in the summary; those of none
/// stand behind all others.
// clang-format off
constexpr std::string_view kOrder[] = {
    "cost.price_per_hour", "estimated", "how_sure", "events", "duration_s", "offered_rps", "served_rps", "requests.",
    "ttft", "tpot", "itl", "e2e", "largest_gap", "queueing", "transfer", "exposed_transfer", "slo.",
    "steady.overload", "steady.too_short", "steady.", "steady.from_s", "steady.offered_rps", "steady.served_rps",
    "window.", "tokens.", "cost.", "power.", "power.window_s", "power.estimated", "links[].", "links[].bytes",
    "pools[].machines", "pools[].tensor_parallel", "pools[].pipeline_parallel", "pools[]."};
// clang-format on

std::size_t place(const Figure& figure) {
  std::size_t best = std::size(kOrder);
  for (std::size_t i = 0; i < std::size(kOrder); ++i) {
    const bool longer = best == std::size(kOrder) || kOrder[i].size() > kOrder[best].size();
    if (figure.path.starts_with(kOrder[i]) && longer) best = i;
  }
  return best;
}

/// The columns of a figure of the list's member `number`, where it is of a list.
void add(std::vector<MetricColumn>& columns, const Figure& figure, std::size_t number) {
  const std::string name = with_number(figure.column, std::to_string(number));
  std::string where = "/" + with_number(figure.path, "/" + std::to_string(number));
  std::replace(where.begin(), where.end(), '.', '/');
  if (!figure.distribution) {
    columns.push_back({name, Json::json_pointer(where)});
    return;
  }
  std::vector<std::string> statistics(kStatistics.begin(), kStatistics.end());
  std::stable_partition(statistics.begin(), statistics.end(),
                        [](const std::string& statistic) { return statistic != "max"; });
  for (const std::string& statistic : statistics) {
    std::string column = name + "_" + statistic;
    std::replace(column.begin(), column.end(), '.', '_');
    columns.push_back({column, Json::json_pointer(where + "/" + statistic)});
  }
}

}  // namespace

std::vector<Figure> figures_with_columns() {
  std::vector<Figure> all = figures();
  std::erase_if(all, [](const Figure& figure) { return figure.column.empty(); });
  std::stable_sort(all.begin(), all.end(),
                   [](const Figure& a, const Figure& b) { return place(a) < place(b); });
  return all;
}

std::vector<MetricColumn> metric_columns(std::size_t pools) {
  // SQLite takes 2,000 columns; the summary in the row has every pool.
  constexpr std::size_t kMostPools = 16;
  const std::vector<Figure> all = figures_with_columns();
  std::vector<MetricColumn> columns;
  for (const Figure& figure : all) {
    if (!figure.has_column_for_each()) add(columns, figure, 0);
  }
  for (std::size_t i = 0; i < std::min(pools, kMostPools); ++i) {
    for (const Figure& figure : all) {
      if (figure.has_column_for_each()) add(columns, figure, i);
    }
  }
  return columns;
}

Json metric_value(const Json& summary, const MetricColumn& column) {
  if (!summary.contains(column.where)) return nullptr;
  const Json& value = summary[column.where];
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  const bool text = value.is_string() && value != "";
  return value.is_number() || text ? value : Json();
}

Json compact_summary(Json summary) {
  for (const char* key : {"cdf", "units", "slowest_requests", "rejected_requests"}) {
    summary.erase(key);
  }
  for (Json& pool : summary["pools"]) {
    pool.erase("over_time");
    pool.erase("batch_tokens_cdf");
  }
  if (summary["slo"].is_object()) summary["slo"].erase("over_time");
  return summary;
}

}  // namespace cleave
