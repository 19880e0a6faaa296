#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/base/json_reader.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// One way to cut the machines of each pool of a design into instances.
struct Layout {
  std::vector<Json> pools;  ///< of each: the scenario's pool without "role" and "count"
  bool estimated = false;   ///< whether some pool's latency was not measured
  std::string how_sure;     ///< the last of these; "" where nobody knows
};

/// One way to build a cluster: pools of prompt, token and mixed machines, in this order.
struct Design {
  std::string name;
  Json settings;                   ///< its own sections of the scenario
  Json scenario;                   ///< the plan's with these, complete but for the pools
  std::vector<std::string> roles;  ///< of each pool
  std::vector<Machine> machines;   ///< of each pool, with the price and power cap it asks for
  std::vector<Layout> layouts;     ///< largest tensor-parallel degrees first
  std::string scheduler;           ///< its scenarios' scheduler.policy
  std::uint32_t most = 0;          ///< machines of a pool
  /// Median error of TPOT that estimated latencies can be expected to have, the largest of its
  /// pools; 0 where they are measured, or nobody knows.
  double tpot_error = 0;

  /// The pool's role, and its machine where several have that role: "token dgx-a100".
  std::string label(std::size_t pool) const;
};

/// A cluster of a design: which of its layouts, with how many machines in each pool.
struct Sizes {
  std::size_t layout = 0;
  std::vector<std::uint32_t> counts;
  auto operator<=>(const Sizes&) const = default;
};

/// The design's pools with so many machines each, as in a scenario.
Json design_pools(const Design& design, const Sizes& sizes);

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
  /// What is given holds without so many machines of any one pool, too.
  std::uint32_t spare_machines = 0;
  double confidence = 0.9;  ///< that estimated latencies are not longer; 0.5: not asked for
  bool counts_prices() const { return goal == Goal::kCost || budget_cost_per_hour > 0; }
};

/// Reads a plan: {"presets": [...], "scenario": {...}, "minimize": "cost"|"power"|"machines" or
/// "maximize": "throughput", "budget": {"cost_per_hour", "power_w"}, "designs": [{"name", "prompt",
/// "token", "mixed", "scheduler", "most", "batching", "kv_cache", "kv_transfer", "fabric"}],
/// "seeds": [...], "spare_machines"}. A design has pools of any of the three roles, one or a list
/// of them each. A pool is a machine, or an object with "machine" and whatever else a scenario's
/// pool has but role and count; its tensor_parallel and pipeline_parallel are searched as
/// pool_cuts() says. The last four of a design are merged into those sections of its scenarios. A
/// design without "scheduler" has the scenario's; one of mixed machines only has token_jsq, as the
/// paper's baselines do, where that is mixed_pool, which needs a prompt and a token pool. Throws
/// InputError.
PlanSpec read_plan(const Json& json, const std::string& place);

}  // namespace cleave
