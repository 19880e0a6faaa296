#pragma once

#include <string>
#include <vector>

#include "sim/metrics/figure.h"

namespace cleave {

/// All of summary.json, in its order. Each comes from the table of what it is a figure of.
std::vector<Figure> figures();

/// Figures that are told of together; their paths begin behind the group's own.
struct FigureGroup {
  std::string name;  ///< "machines.csv", "summary.json", "summary.json: cost"
  std::vector<Figure> figures;
};
/// The columns of the CSV files, then the figures of summary.json by object.
std::vector<FigureGroup> figure_groups();

}  // namespace cleave
