#include "sim/cli/trace_input.h"

#include <utility>

namespace cleave {

std::unique_ptr<TraceReader> TraceInput::open() const {
  return columns.empty() ? open_trace(file) : open_trace(file, parse_columns(columns, "--columns"));
}

std::string TraceInput::format() const { return columns.empty() ? trace_format(file) : "CSV"; }

CLI::App* add_reading(CLI::App& trace, Action& action, const std::string& name,
                      const std::string& description, TraceInput& input, Action call) {
  CLI::App* app = trace.add_subcommand(name, description);
  app->add_option("FILE", input.file, "trace file of any known format")->required();
  app->add_option("--columns", input.columns,
                  "for a CSV file of no known format, its columns:\n"
                  "arrival=NAME,prompt=NAME,output=NAME and, if not s, unit=ms|us|ns|clock");
  app->callback([&action, call = std::move(call)] { action = call; });
  return app;
}

}  // namespace cleave
