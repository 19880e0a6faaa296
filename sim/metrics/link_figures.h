#pragma once

#include <vector>

#include "sim/core/records.h"
#include "sim/metrics/figure.h"

namespace cleave {

/// What summary.json and links.csv tell of a link.
const FigureTable<LinkUse>& link_figures();

/// The 20 with the highest utilisation, that one first.
std::vector<LinkUse> busiest(std::vector<LinkUse> links);

}  // namespace cleave
