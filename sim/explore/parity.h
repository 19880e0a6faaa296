#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/base/json_reader.h"

namespace cleave {

/// A cluster that was simulated elsewhere, with what came out for every request.
struct ParityCase {
  std::string name;
  Json scenario;                      ///< complete; with the preset splitwise-sim
  std::vector<std::string> machines;  ///< the name of each instance in the expected file
  std::string expected;               ///< CSV, may be compressed with gzip
};

/// Reads the cases of a file: a list of {"name", "trace", "expected", "model", "scheduler",
/// "pools": [{"role", "gpu", "machines"}]}, paths relative to it. Throws InputError.
std::vector<ParityCase> read_parity_cases(const std::string& file);

/// Simulates the case and compares every request's machines, prompt start and end, transfer end,
/// token start and completion, to 1e-6 s. Gives "" where all agree, else the first difference in
/// time: request, field and both values. Once per process.
std::string compare_parity(const ParityCase& parity_case);

}  // namespace cleave
