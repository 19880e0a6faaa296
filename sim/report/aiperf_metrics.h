#pragma once

#include <string>

#include "sim/report/run_result.h"

namespace cleave {

/// A run in the words of AIPerf (ai-dynamo/aiperf), as its profile_export_aiperf.json has them:
///     {"schema_version": "1.5", "time_to_first_token": {"unit": "ms", "avg", "min", "max", "p50",
///      "p90", "p95", "p99", "std", "count"}, "request_throughput": {"unit": "requests/sec",
///      "avg"}, ...}
/// with the metrics that are there, and "input_config", what was asked for. Percentiles that a
/// summary has not (p1 to p25, p75) are left out, as AIPerf leaves out what does not apply.
/// Names and units: docs/metrics-reference.md and docs/reference/json-export-schema.md there.
Json aiperf_metrics(const RunResult& run);

/// The same for a terminal.
std::string aiperf_text(const Json& metrics);

/// AIPerf's names beside Cleave's, for a terminal, and as the table of docs/output.md.
std::string aiperf_names();
std::string aiperf_markdown();

}  // namespace cleave
