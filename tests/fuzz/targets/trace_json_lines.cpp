#include "tests/fuzz/target.h"
#include "traces/statistics.h"
#include "traces/trace_reader.h"

namespace cleave::fuzz {

namespace {

void feed(std::string_view input) {
  statistics_json(measure_trace(*open_trace(file_of("trace.jsonl", input))));
}

const Entry kEntry{"trace_json_lines", {Syntax::kBytes, feed}};

}  // namespace

}  // namespace cleave::fuzz
