#pragma once

#include <string>

#include "sim/base/json_reader.h"

namespace cleave::comparison {

// The words of a comparison (compare_runs() gives its fields), in which every format shows it.

bool comparable(const Json& comparison);
bool several_seeds(const Json& comparison);

/// "2 of 24 metrics changed beyond their tolerance: 1 better, 1 worse", or why not comparable.
std::string verdict_line(const Json& comparison);

// Of a row:

/// "yes", "1,250", "-".
std::string value_text(const Json& value);
/// "+1.2 %"; where the base is 0, in the metric's unit.
std::string change_text(const Json& row);
/// "-1.2 % to +3.4 %": where the change lies, as change_text() shows it.
std::string interval_text(const Json& row);
/// "worse: 0.5 -> 0.6 (+20 %, tolerance 1%)".
std::string change_line(const Json& row);

std::string text_of(const Json& json, const char* key);
/// Bytes that are no UTF-8 (file names may have them) are replaced.
std::string valid_utf8(const std::string& text);

}  // namespace cleave::comparison
