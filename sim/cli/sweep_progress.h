#pragma once

#include <cstdint>

#include "sim/cli/progress.h"

namespace cleave {

/// A bar on stderr that says how far a sweep is, with its rate and the time left.
class SweepProgress {
 public:
  explicit SweepProgress(bool quiet) : status_(quiet) {}
  /// `done` of `total` points, `already` of them before this began.
  void show(std::uint64_t done, std::uint64_t total, std::uint64_t already, std::uint64_t failed);

 private:
  StatusLine status_;
};

}  // namespace cleave
