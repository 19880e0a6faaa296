#pragma once

#include "sim/base/setting.h"

namespace cleave {

/// Settings that several scaling policies have.
inline Setting tick_setting() {
  return {"tick_s", 15, "s", "between two looks (reactive, planner, roles)", in({0.1, 1e6, false})};
}
inline Setting backlog_setting() {
  return {"target_backlog", 2048, "tokens",
          "of prompts that a prompt or mixed instance has to compute, mean", in({1, 1e9, false})};
}
inline Setting kv_setting() {
  return {"target_kv", 0.7, "",
          "of the KV memory of token and mixed instances, reserved by what is assigned",
          in({0.01, 10, false})};
}
inline Setting down_window_setting() {
  return {"down_window_s", 300, "s", "a side shrinks to the most that was wanted in so long a time",
          in({0, 1e6, false})};
}

}  // namespace cleave
