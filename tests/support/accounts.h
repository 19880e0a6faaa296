#pragma once

#include "sim/base/json_reader.h"

namespace cleave {

/// Integral over the run of one of a pool's series over time, whose last bucket ends with the run.
inline double integral(const Json& pool, const char* name, double end_s) {
  const double width_s = pool["over_time"]["bucket_s"];
  const Json& values = pool["over_time"][name];
  double total = 0;
  for (const Json& value : values) total += value.get<double>();
  const double last = values.back();
  const double last_s = end_s - width_s * static_cast<double>(values.size() - 1);
  return (total - last) * width_s + last * last_s;
}

}  // namespace cleave
