#pragma once

#include <vector>

#include "sim/base/json_reader.h"

namespace cleave {

/// A unit of figures.
struct Unit {
  const char* symbol;  ///< in Figure::unit
  const char* text;    ///< in summary.json; "" for one that it leaves out
  const char* names;   ///< there, the figures that have it: "ttft, *_s"
};

/// Those that a figure can have; two with a comma between them are those of a pair.
const std::vector<Unit>& units();

/// The summary's units, as text.
Json units_json();

}  // namespace cleave
