#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/scaling/scaler.h"

namespace cleave {

/// What scaling would have cost who knew the traffic of one LLM beforehand: in each window of
/// kWindowS so many machines of its pools as carry the requests that arrive in it, by the capacity
/// that the planner goes by, at no notice and without headroom. By arithmetic, as if the requests
/// of a window came evenly.
class Hindsight {
 public:
  static constexpr double kWindowS = 300;

  /// `pools` of one LLM, of which the first is the cluster's number `first_pool`. The limit of TPOT
  /// is what a machine's capacity keeps; none: what its memory holds.
  Hindsight(std::vector<ScalerPool> pools, std::size_t first_pool, const PoolCapacity& capacity,
            std::optional<double> tpot_limit_s);

  /// Times never decrease.
  void arrived(double time_s, std::uint32_t prompt_tokens, std::uint32_t output_tokens);
  /// At the end of the run: hours of all machines.
  double machine_hours(double end_s);

 private:
  void close(double until_s);
  double machines(double rate_rps) const;

  std::vector<ScalerPool> pools_;
  std::size_t first_pool_;
  const PoolCapacity* capacity_;
  double tpot_s_;
  double from_s_ = 0;  ///< of the window
  double requests_ = 0;
  double prompt_tokens_ = 0;
  double output_tokens_ = 0;
  double machine_s_ = 0;
};

}  // namespace cleave
