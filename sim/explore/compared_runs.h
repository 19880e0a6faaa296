#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/json_reader.h"

namespace cleave {

/// What the user named, and the summaries of its runs: one, or one for each seed.
struct ComparedRuns {
  std::string name;
  std::vector<Json> summaries;
};

/// How often scenarios are to be run.
struct SeedsWanted {
  std::uint64_t count = 1;   ///< from the scenario's own workload.seed on
  std::size_t parallel = 1;  ///< simulations at a time
};

/// The runs that `base` and `changed` name, as many of either, those of one seed in one place:
///   a folder of results or a summary: one run;
///   a scenario: simulated here, in child processes, with as many seeds as are wanted or the other
///     side has;
///   a database of a sweep that varies nothing but workload.seed, or "DB:NAME", its points of that
///     name: a run for each seed.
/// Throws InputError.
std::vector<ComparedRuns> load_compared(const std::string& base, const std::string& changed,
                                        const SeedsWanted& wanted);

}  // namespace cleave
