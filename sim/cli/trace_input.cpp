#include "sim/cli/trace_input.h"

#include <iostream>
#include <utility>

#include "traces/lenient_reader.h"
#include "traces/line_reader.h"

namespace cleave {

std::unique_ptr<TraceReader> TraceInput::open() const {
  auto reader =
      columns.empty() ? open_trace(file) : open_trace(file, parse_columns(columns, "--columns"));
  return skip ? std::make_unique<LenientReader>(std::move(reader)) : std::move(reader);
}

std::string TraceInput::what_is_skipped() const {
  LenientReader reader(columns.empty() ? open_trace(file)
                                       : open_trace(file, parse_columns(columns, "--columns")));
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

CLI::App* add_reading(CLI::App& trace, Action& action, const std::string& name,
                      const std::string& description, TraceInput& input, Action call) {
  CLI::App* app = trace.add_subcommand(name, description);
  app->add_option("FILE", input.file, "trace file of any known format")->required();
  app->add_option("--columns", input.columns,
                  "for CSV or JSON lines of no known format, columns or fields:\n"
                  "arrival=NAME,prompt=NAME,output=NAME and, if not s, unit=ms|us|ns|clock");
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
