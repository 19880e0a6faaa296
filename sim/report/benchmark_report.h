#pragma once

#include "sim/report/run_result.h"

namespace cleave {

/// A run as a benchmark report of llm-d (llm-d/llm-d-benchmark, report version 0.2), so that its
/// tools can lay it beside measured ones:
///     {"version": "0.2", "run": {"uid", "time", "description", "keywords"},
///      "scenario": {"stack": [an inference engine a pool], "load"},
///      "results": {"request_performance": {"aggregate": {"requests", "latency", "throughput"}}}}
/// Field names and units are those of its schema (benchmark-report/llmd_benchmark_report/
/// schema_v0_2.py). Times are seconds; counts of requests are of the whole run, all else of the
/// measured window. That it is simulated stands in run.keywords and in the tools' names.
Json benchmark_report(const RunResult& run);

}  // namespace cleave
