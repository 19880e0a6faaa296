// What arithmetic rules out breaks its SLO in every run.

#include "sim/explore/capacity.h"

#include <cstdlib>

#include "tests/catch.h"
#include "tests/property/random_scenario.h"
#include "tests/support/seen_run.h"

namespace cleave {

namespace {

/// Limits of every kind, from what nobody can keep to what everybody can.
Json random_limits() {
  const auto limits = [](double usual) {
    Json found = Json::object();
    for (const char* percentile : {"p50", "p90", "p99"}) {
      if (*inRange(0, 3) > 0) found[percentile] = usual * *inRange(1, 40) / 10;
    }
    if (found.empty()) found["p90"] = usual;
    return found;
  };
  switch (*inRange(0, 4)) {
    case 0:
      return {{"limits", {{"e2e", limits(5)}}}};
    case 1:
      return {{"limits", {{"ttft", limits(1)}}}};
    case 2:
      return {{"limits", {{"ttft", limits(1)}, {"tpot", limits(0.05)}}}};
    default:
      return "splitwise";
  }
}

}  // namespace

TEST_CASE("property: what cannot be carried by arithmetic breaks its objectives") {
  setenv("RC_PARAMS", "max_success=1000", 0);
  int beyond = 0;
  int known = 0;
  const bool holds = rc::check([&] {
    Json changes = random_scenario();
    // Requests that come by themselves, of which none is sent away.
    Json& workload = changes["workload"];
    if (!workload.contains("rate_rps")) RC_DISCARD("replies decide who comes");
    for (const char* other : {"concurrency", "sessions"}) workload.erase(other);
    for (Json& each : changes["classes"]) each.erase("admission");
    for (Json& each : changes["classes"]) each.erase("shed_late");
    workload["rate_rps"] = workload["rate_rps"].get<int>() * *inRange(1, 6);
    changes["slo"] = random_limits();
    Json& batching = changes["batching"];
    if (*inRange(0, 2) == 0) {
      batching["speculative_tokens"] = *inRange(1, 4);
      batching["acceptance_rate"] = 0.7;
    }
    if (*inRange(0, 2) == 0) batching["mixed_iteration_factor"] = *inRange(5, 15) / 10.0;
    if (*inRange(0, 2) == 0) batching["cuda_graph_sizes"] = {8, 64, 256};
    std::optional<Scenario> scenario;
    try {
      scenario = read_scenario(scenario_of(changes));
    } catch (const InputError&) {
      RC_DISCARD("a model that does not fit, or a link that is not there");
    }
    const double longer = *inRange(0, 3) == 0 ? 1.4 : 1;
    std::vector<std::uint32_t> machines;
    for (const PoolSpec& pool : scenario->pools) machines.push_back(pool.count);
    const double share = Capacity(*scenario, DueWork(*scenario, longer)).share(machines);
    known += std::isfinite(share) ? 1 : 0;
    if (share >= 1) return;
    ++beyond;
    const Json summary = see(changes).summary;
    bool kept = summary["slo"]["holds"];
    for (const Json& limit : summary["slo"]["limits"]) {
      kept = kept && longer * limit["value"].get<double>() <= limit["limit"].get<double>();
    }
    RC_ASSERT(!kept);
  });
  WARN(beyond << " clusters could not carry their load, of " << known << " of which it is known");
  CHECK(holds);
  CHECK(beyond >= 100);
}

}  // namespace cleave
