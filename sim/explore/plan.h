#pragma once

#include <functional>

#include "sim/explore/plan_spec.h"

namespace cleave {

/// Searches the cluster that `spec` asks for. Feasibility is taken to be monotonic in machines and
/// rate while searching; a candidate is simulated only where it would beat the best so far. What is
/// given holds under every seed, in the plan's own run and in a verifying one
/// (Trials::verifying_s). Gives
///   {"kind": "plan", "goal": "cost" | "power" | "machines" | "throughput", "budget", "seeds",
///    "spare_machines" (as in the spec), "scenario" (complete but for the pools and the scheduler's
///    policy), "prices" (the list that prices are from; left out where each machine's own counts),
///    "slo" (of the optimum, as in a summary), "optimum": {"design", "estimated", "pools",
///    "scheduler", "settings" (the design's own, on top of the scenario), "machines", "gpus",
///    "cost_per_hour", "cost_per_million_output_tokens", "cost_per_million_tokens" (prompt and
///    output), "provisioned_w", "rate_rps", "margin", "verified":
///    {"duration_s", "times_e2e_p99", "seeds"}} or null, "ties": [...], "designs": [best of each],
///    "infeasible": [{"design", "why"}], those of which nothing holds, "pareto": [names],
///    "headroom": [{"change", "breaks"}], first of one machine less, "sure": null where no latency
///    is estimated with a known error, else {"confidence", "tpot_error", "longer" (times),
///    "optimum" (the answer to the same question where latencies are so many times as long) or
///    null, "why" (where it is null)}, "simulations", "candidates":
///    [{"design", "roles", "counts", "tensor_parallel", "pipeline_parallel" (of each pool; a role
///    with its machine where pools share it), "machines", "cost_per_hour", "provisioned_w",
///    "rate_rps", "duration_s", "margin", "breaks"}], all that was looked at, with
///    all machines there; of a run that was ended early, as its objective was lost, "margin" is
///    null and "breaks" what was lost by then; what was not simulated, as its machines cannot
///    compute its load in time, has "duration_s" 0 and breaks "capacity"}.
/// cost_per_million_output_tokens: the whole cluster's price, at rate_rps requests of the mean
/// output of the verifying runs.
/// margin: how many times its worst limit is above the value; cost_per_hour: null where a price is
/// unknown. At most `parallel` simulations run at a time; the answer does not depend on it.
/// `progress` hears of each simulation, in this process or in one forked from it.
Json find_plan(const PlanSpec& spec, std::size_t parallel,
               const std::function<void(std::size_t simulations)>& progress);

}  // namespace cleave
