#pragma once

#include <string>

#include "sim/base/json_reader.h"
#include "sim/explore/sweep_spec.h"

namespace cleave::fuzz {

/// The sweep that make_results() makes results of: four points.
const SweepSpec& small_sweep();

/// A results database of small_sweep() in a new file `name`: its table "sweep" says what `content`
/// says under that key, and what cleave sweep says for the rest; "points" holds the list of this
/// name, objects by column.
std::string make_results(const std::string& name, const Json& content);

/// All that reads a results database.
void read_all_of(const std::string& database);

}  // namespace cleave::fuzz
