#pragma once

#include <cstdint>
#include <optional>

#include "traces/workload.h"

namespace cleave {

/// What a workload is where it does not say.
struct WorkloadDefaults {
  std::uint64_t seed = 1;
  std::optional<double> duration_s;
};

Workload read_workload(JsonReader& reader, const WorkloadDefaults& otherwise);

}  // namespace cleave
