#pragma once

#include <string>

#include "sim/base/json_reader.h"

namespace cleave {

/// A comparison of two runs (compare_runs() gives its fields) as a table for a terminal.
std::string compare_text(const Json& comparison);

/// The same in Markdown, for the summary page of a CI run.
std::string compare_markdown(const Json& comparison);

/// The same as a JUnit report: a test case for each metric, which fails when the metric changed
/// beyond its tolerance, for the better too. Runs that are not comparable give one case, an error.
std::string compare_junit(const Json& comparison);

}  // namespace cleave
