#pragma once

#include <string>
#include <vector>

#include "sim/metrics/figures.h"

namespace cleave {

/// For a terminal: each group's name, and its figures a line each.
std::string figures_text(const std::vector<FigureGroup>& groups);

/// The group's table in docs/output.md, below a line that says what it is a table of.
std::string figures_markdown(const FigureGroup& group);

/// The table of docs/sweeps.md: `figures`, which have columns of a results database, by column.
std::string columns_markdown(const std::vector<Figure>& figures);

}  // namespace cleave
