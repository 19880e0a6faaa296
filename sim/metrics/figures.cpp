#include "sim/metrics/figures.h"

#include <algorithm>

#include "sim/metrics/link_figures.h"
#include "sim/metrics/metrics.h"
#include "sim/metrics/request_log.h"

namespace cleave {

std::vector<Figure> figures() { return Metrics::figures().figures(); }

std::vector<FigureGroup> figure_groups() {
  std::vector<FigureGroup> groups{{"requests.csv", RequestLog::columns().figures()},
                                  {"machines.csv", PoolMetrics::machine_columns().figures()},
                                  {"links.csv", link_figures().figures()},
                                  {"series.csv", PoolMetrics::series_columns().figures()}};
  const std::string summary = "summary.json";
  groups.push_back({summary, {}});
  for (Figure& figure : figures()) {
    const std::size_t dot = figure.path.find('.');
    std::string name = summary;
    if (dot != std::string::npos) {
      name += ": " + figure.path.substr(0, dot);
      figure.path.erase(0, dot + 1);
    }
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const FigureGroup& one) { return one.name == name; });
    if (group == groups.end()) group = groups.insert(group, {name, {}});
    group->figures.push_back(figure);
  }
  return groups;
}

}  // namespace cleave
