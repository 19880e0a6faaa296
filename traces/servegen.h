#pragma once

#include <string>
#include <vector>

#include "traces/weighted_lengths.h"

namespace cleave {

/// A line of a client's trace in ServeGen's data.
struct ServeGenLine {
  double start_s = 0;
  double rate_rps = 0;
  double cv = 0;  ///< of the gaps; 0 where nothing was sent
};

/// Lengths that hold from a time on, until the next such.
struct ServeGenWindow {
  double start_s = 0;
  WeightedLengths prompts;  ///< both weigh 1
  WeightedLengths outputs;
};

/// What ServeGen's data says of one client, by its number in the names of its files.
class ServeGenClient {
 public:
  ServeGenClient(std::string folder, std::uint64_t number)
      : folder_(std::move(folder)), number_(number) {}

  std::string name() const { return "chunk-" + std::to_string(number_); }
  /// chunk-N-trace.csv, in the order of time.
  std::vector<ServeGenLine> lines() const;
  /// chunk-N-dataset.json in the order of time, without windows that say nothing. Adds to
  /// `left_out` what it says beside lengths, each name once.
  std::vector<ServeGenWindow> windows(std::vector<std::string>& left_out) const;

 private:
  std::string folder_;
  std::uint64_t number_;
};

/// Those of whom the folder has a trace, by number. Throws InputError where there is none.
std::vector<ServeGenClient> servegen_clients(const std::string& folder);

}  // namespace cleave
