#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sim/cli/command.h"
#include "traces/trace_reader.h"

namespace cleave {

/// The trace file that a subcommand of `cleave trace` reads.
struct TraceInput {
  std::string file;
  std::string columns;     ///< as given to --columns; empty for a known format
  bool skip = false;       ///< lines that cannot be read
  bool by_client = false;  ///< whether the subcommand asks who sent a request

  std::unique_ptr<TraceReader> open() const;
  /// With `skip`, how many lines were left out, and what was wrong with the first of them.
  std::string what_is_skipped() const;
  std::string format() const;
};

/// The part of a trace from one second up to before another.
struct TraceWindow {
  std::optional<double> from_s;
  std::optional<double> to_s;

  bool given() const { return from_s || to_s; }
  double begin_s() const { return from_s.value_or(0); }
  double end_s() const;  ///< infinite where nothing is said
  /// Throws where it is none.
  void check() const;
  /// What to say of a trace that has no request in it.
  std::string nothing_in(const std::string& file) const;
};

void add_window(CLI::App* app, TraceWindow& window);

/// A subcommand of `trace` that reads `input` and, when chosen, does `call`, which keeps `input`.
CLI::App* add_reading(CLI::App& trace, Action& action, const std::string& name,
                      const std::string& description, TraceInput& input, Action call);

}  // namespace cleave
