#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/scaling/scaler.h"

namespace cleave {

/// What scaling would have cost who knew the traffic beforehand: in each window of kWindowS so many
/// machines as carry the requests that arrive in it, at no notice and without headroom, by the
/// arithmetic that the planner goes by, within each LLM's limit of TPOT. Split pools carry as much
/// as both their sides do, mixed pools the rest. What cannot be carried takes all there are, and
/// machines that pools share are counted once.
class Hindsight {
 public:
  static constexpr double kWindowS = 300;

  /// Pools of one LLM follow one another. Limits are by LLM; none: what memory holds.
  Hindsight(std::vector<ScalerPool> pools, const PoolCapacity& capacity,
            const std::vector<std::optional<double>>& tpot_limits_s);

  /// Times never decrease.
  void arrived(std::size_t llm, double time_s, std::uint32_t prompt_tokens,
               std::uint32_t output_tokens);
  /// At the end of the run: hours of all machines.
  double machine_hours(double end_s);

 private:
  /// Requests for an LLM in the window.
  struct Traffic {
    double tpot_s;
    double requests = 0;
    double prompt_tokens = 0;
    double output_tokens = 0;
  };

  void close(double until_s);
  double each_rps(std::size_t pool) const;
  double most_rps(std::size_t llm, PoolRole role) const;
  double machines(std::size_t llm, double length_s) const;
  double machines(std::size_t llm, PoolRole role, double rate_rps) const;

  std::vector<ScalerPool> pools_;
  const PoolCapacity* capacity_;
  std::vector<Traffic> traffic_;  ///< by LLM
  double all_machines_ = 0;
  double from_s_ = 0;  ///< of the window
  double machine_s_ = 0;
};

}  // namespace cleave
