#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/base/json_reader.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// One way to build a cluster: a pool of mixed machines, or a prompt and a token pool.
struct Design {
  std::string name;
  std::vector<std::string> roles;  ///< {"mixed"}, or {"prompt", "token"}
  std::vector<Json> pools;         ///< of each: the scenario's pool without "role" and "count"
  std::vector<Machine> machines;   ///< of each pool, with the price and power cap it asks for
  std::string scheduler;           ///< its scenarios' scheduler.policy
  bool estimated = false;          ///< whether some pool's latency was not measured
  std::uint32_t most = 0;          ///< machines of a pool
};

/// The design's pools with so many machines each, as in a scenario.
Json design_pools(const Design& design, const std::vector<std::uint32_t>& counts);

/// What is searched for. Either the least of `minimize` at the scenario's rate, or the highest rate
/// within the budget.
struct PlanSpec {
  Json scenario;  ///< complete but for the pools
  enum class Goal : std::uint8_t { kCost, kPower, kMachines, kThroughput };
  Goal goal = Goal::kCost;
  double budget_cost_per_hour = 0;  ///< 0: none
  double budget_power_w = 0;        ///< 0: none
  std::vector<Design> designs;
  std::vector<std::int64_t> seeds;  ///< the first while searching, all for the answer
  bool counts_prices() const { return goal == Goal::kCost || budget_cost_per_hour > 0; }
};

/// Reads a plan: {"presets": [...], "scenario": {...}, "minimize": "cost"|"power"|"machines" or
/// "maximize": "throughput", "budget": {"cost_per_hour", "power_w"}, "designs": [{"name", "prompt",
/// "token", "scheduler", "most"} or {"name", "mixed", "scheduler", "most"}], "seeds": [...]}. A
/// pool of a design is a machine, or an object with "machine" and whatever else a scenario's pool
/// has but role and count. A design without "scheduler" has the scenario's; one of a single pool
/// has token_jsq, as the paper's baselines do, where that is mixed_pool, which needs two. Throws
/// InputError.
PlanSpec read_plan(const Json& json, const std::string& place);

}  // namespace cleave
