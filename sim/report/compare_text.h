#pragma once

#include <string>

#include "sim/base/json_reader.h"

namespace cleave {

/// A comparison of two runs (compare_runs() gives its fields) as a table for a terminal.
std::string compare_text(const Json& comparison);

/// The same in GitHub's Markdown, for the summary page of a CI run: what changed first.
std::string compare_markdown(const Json& comparison);

/// The same as commands of a GitHub workflow: an annotation for every change, an error where it
/// fails the comparison, a notice where it does not; and the verdict.
std::string compare_annotations(const Json& comparison);

/// The same as a JUnit report: a test case for each metric, which fails when the metric fails
/// the comparison. Runs that are not comparable give one case, an error.
std::string compare_junit(const Json& comparison);

}  // namespace cleave
