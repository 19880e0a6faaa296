#include "sim/metrics/link_figures.h"

#include <algorithm>

namespace cleave {

const FigureTable<LinkUse>& link_figures() {
  static const FigureTable<LinkUse> table{
      {"link", "", "its name, such as `machine-2-nic-up`; faults use the same names",
       [](const LinkUse& link) { return link.name; }},
      {"bandwidth_bytes_per_s", "bytes/s", "without faults",
       [](const LinkUse& link) { return link.bandwidth_bytes_per_s; }},
      {"bytes", "bytes", "busiest_link_bytes", better::neither(), "that crossed it",
       [](const LinkUse& link) { return link.bytes; }},
      {"utilization", "fraction", "busiest_link_utilization", better::neither(),
       "`bytes` / (bandwidth x duration of the run)",
       [](const LinkUse& link) { return link.mean; }},
      {"utilization_p99", "fraction", "busiest_link_utilization_p99", better::neither(),
       "99th percentile of the same over equal windows of time (at most 256; 0.0625 s wide or "
       "wider "
       "in long runs); a transfer's bytes count evenly over its duration",
       [](const LinkUse& link) { return link.p99; }},
      {"above_90_share", "fraction", "busiest_link_above_90_share", better::neither(),
       "share of those windows in which the utilisation is above 0.9",
       [](const LinkUse& link) { return link.above_90; }}};
  return table;
}

std::vector<LinkUse> busiest(std::vector<LinkUse> links) {
  constexpr std::size_t kMostShown = 20;
  std::stable_sort(links.begin(), links.end(),
                   [](const LinkUse& a, const LinkUse& b) { return a.mean > b.mean; });
  if (links.size() > kMostShown) links.resize(kMostShown);
  return links;
}

}  // namespace cleave
