#include <algorithm>
#include <memory>

#include "tests/fuzz/target.h"
#include "traces/statistics.h"
#include "traces/trace_reader.h"

namespace cleave::fuzz {

namespace {

constexpr std::string_view kColumns = "columns: ";

/// A trace of a known format; or "columns: " and what --columns says in the first line, and a CSV
/// file after it.
std::unique_ptr<TraceReader> open(std::string_view input) {
  if (!input.starts_with(kColumns)) return open_trace(file_of("trace.csv", input));
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string_view columns = input.substr(kColumns.size(), end - kColumns.size());
  return open_trace(file_of("trace.csv", input.substr(std::min(end + 1, input.size()))),
                    parse_columns(columns, "--columns"));
}

void feed(std::string_view input) { statistics_json(measure_trace(*open(input))); }

const Entry kEntry{"trace_csv", {Syntax::kBytes, feed}};

}  // namespace

}  // namespace cleave::fuzz
