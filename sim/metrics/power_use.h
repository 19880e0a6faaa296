#pragma once

#include <optional>

#include "sim/metrics/figure.h"

namespace cleave {

/// What the cluster draws, held against what it may.
struct PowerBudget {
  double budget_w;
  double p99_share;
  double peak_share;
  double above_share;  ///< of the windows of time
  bool holds;

  static const FigureTable<PowerBudget>& figures();
};

/// Power of the cluster over time, in windows of time of equal width.
struct ClusterPower {
  double provisioned_w;
  double idle_w;
  double mean_w;
  double p99_w;
  double peak_w;
  double window_s;
  bool estimated;
  std::string how_sure;  ///< what estimates rest on, in words; "" where all was measured
  double energy_j;
  std::optional<PowerBudget> budget;
};

/// What the cluster used in the measured window, and for what.
struct MeasuredEnergy {
  double energy_j;
  double prompt_j;  ///< above idle: of iterations with prompts in them, and of the others
  double decode_j;
  double prompt_tokens;
  double output_tokens;
  double completed_requests;
};

struct PowerUse {
  ClusterPower cluster;
  MeasuredEnergy measured;

  static const FigureTable<PowerUse>& figures();
};

}  // namespace cleave
