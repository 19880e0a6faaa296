#pragma once

#include <memory>
#include <string>

#include "sim/cli/command.h"
#include "traces/trace_reader.h"

namespace cleave {

/// The trace file that a subcommand of `cleave trace` reads.
struct TraceInput {
  std::string file;
  std::string columns;  ///< as given to --columns; empty for a known format
  bool skip = false;    ///< lines that cannot be read

  std::unique_ptr<TraceReader> open() const;
  /// With `skip`, how many lines were left out, and what was wrong with the first of them.
  std::string what_is_skipped() const;
  std::string format() const;
};

/// A subcommand of `trace` that reads `input` and, when chosen, does `call`, which keeps `input`.
CLI::App* add_reading(CLI::App& trace, Action& action, const std::string& name,
                      const std::string& description, TraceInput& input, Action call);

}  // namespace cleave
