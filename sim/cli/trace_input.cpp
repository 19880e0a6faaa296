#include "sim/cli/trace_input.h"

#include <cmath>
#include <iostream>
#include <limits>
#include <sstream>
#include <utility>

#include "sim/base/error.h"
#include "traces/lenient_reader.h"
#include "traces/line_reader.h"

namespace cleave {

namespace {

std::unique_ptr<TraceReader> open_columns(const TraceInput& input) {
  if (input.columns.empty()) return open_trace(input.file);
  const CsvColumns columns = parse_columns(input.columns, "--columns");
  if (!columns.client.empty() && !input.by_client) {
    throw InputError("--columns: client is for cleave trace fit, which makes a mix of clients");
  }
  return open_trace(input.file, columns);
}

}  // namespace

std::unique_ptr<TraceReader> TraceInput::open() const {
  auto reader = open_columns(*this);
  return skip ? std::make_unique<LenientReader>(std::move(reader)) : std::move(reader);
}

std::string TraceInput::what_is_skipped() const {
  LenientReader reader(open_columns(*this));
  std::uint64_t requests = 0;
  for (Request request; reader.next(request);) ++requests;
  const std::string count = std::to_string(reader.skipped()) + " of " +
                            std::to_string(requests + reader.skipped()) + " lines";
  return reader.skipped() == 0 ? "skipped none of " + std::to_string(requests) + " lines\n"
                               : "skipped " + count + ", the first: " + reader.first_error() + '\n';
}

std::string TraceInput::format() const {
  if (columns.empty()) return trace_format(file);
  LineReader lines(file);
  return lines.next_line() && lines.text().starts_with('{') ? "JSON lines" : "CSV";
}

double TraceWindow::end_s() const { return to_s.value_or(std::numeric_limits<double>::infinity()); }

void TraceWindow::check() const {
  if (!(begin_s() >= 0 && std::isfinite(begin_s()))) {
    throw InputError("--from: expected a number of seconds, at least 0");
  }
  if (!(end_s() > begin_s())) throw InputError("--to: expected a number of seconds above --from");
}

std::string TraceWindow::nothing_in(const std::string& file) const {
  std::ostringstream text;
  text << file << ": no request arrives from " << begin_s() << " s on";
  if (to_s) text << " and before " << *to_s << " s";
  text << "; cleave trace info shows how long the trace is";
  return text.str();
}

void add_window(CLI::App* app, TraceWindow& window) {
  app->add_option("--from", window.from_s, "first second of the window; 0 if left out");
  app->add_option("--to", window.to_s, "end of the window, itself outside; none if left out");
}

CLI::App* add_reading(CLI::App& trace, Action& action, const std::string& name,
                      const std::string& description, TraceInput& input, Action call) {
  CLI::App* app = trace.add_subcommand(name, description);
  app->add_option("FILE", input.file, "trace file of any known format")->required();
  app->add_option("--columns", input.columns,
                  "for CSV or JSON lines of no known format, columns or fields:\n"
                  "arrival=NAME,prompt=NAME,output=NAME and, if not s, unit=ms|us|ns|clock" +
                      std::string(input.by_client ? ";\nclient=NAME for a mix of clients" : ""));
  app->add_flag("--skip-unreadable", input.skip,
                "leave out lines that cannot be read, and say how many");
  app->callback([&action, &input, call = std::move(call)] {
    action = [&input, call] {
      const int code = call();
      if (input.skip) std::cerr << input.what_is_skipped();
      return code;
    };
  });
  return app;
}

}  // namespace cleave
