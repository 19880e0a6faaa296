#pragma once

#include <map>
#include <memory>
#include <string>

#include "models/latency/latency.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// The latency of the instances of pool number `pool`, by the scenario's latency policy. Throws
/// InputError naming the pool where the policy knows nothing of it.
std::unique_ptr<LatencyModel> pool_latency(const Scenario& scenario, std::size_t pool);
/// The latency of an LLM (its number) on the machine that an SLO's slowdowns are measured against.
std::unique_ptr<LatencyModel> reference_latency(const Scenario& scenario, const SloSpec& slo,
                                                std::size_t llm);

/// Whether the files of latency.profiles are used at all, by scenarios that name the same ones.
class ProfileUse {
 public:
  ProfileUse& add(const Scenario& scenario);
  bool all_used() const;
  /// Throws InputError, which says why, where one of them is used by no scenario.
  void check() const;

 private:
  std::map<std::string, std::string> why_not_;  ///< by file; "" where it is used
};

}  // namespace cleave
