#pragma once

#include <cstdint>
#include <vector>

#include "models/latency/least_time.h"
#include "sim/explore/due_work.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// Whether clusters of one kind could carry a load by arithmetic: whether the work that their SLO
/// asks for, a second, is within what their machines compute at most, each with the batches that
/// suit it best. Work is added up at several prices, as prompts, decodes and what these read can be
/// traded for one another; a cluster has to carry it at each of them. Where anything is not known
/// for certain, it is within.
class Capacity {
 public:
  /// Of clusters like `scenario`'s but for the number of machines.
  Capacity(const Scenario& scenario, const DueWork& due);

  /// With so many machines of each pool, the share of it that they could carry at most; 1 and more:
  /// all of it, as far as arithmetic tells.
  double share(const std::vector<std::uint32_t>& machines) const;

 private:
  struct AtPrice {
    double due_per_s = 0;
    std::vector<double> of_a_machine;  ///< by pool: at most, a second
  };
  std::vector<AtPrice> prices_;
};

}  // namespace cleave
