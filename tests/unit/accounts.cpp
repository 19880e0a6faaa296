// Figures of a run that must add up to one another, computed again from what an observer saw.

#include "tests/support/accounts.h"

#include <cmath>

#include "tests/catch.h"
#include "tests/support/seen_run.h"

namespace cleave {

namespace {

/// Prompts end long before decodes do, so that the pools are at work for unlike times.
Json split_run() { return {{"workload", {{"trace", "azure-2023-code"}}}, {"slo", "none"}}; }

}  // namespace

TEST_CASE("accounts: the series of all pools have the same buckets and end with the run") {
  const SeenRun run = see(split_run());
  const double end_s = run.summary["duration_s"];
  const double width_s = run.summary["power"]["window_s"];
  for (const Json& pool : run.summary["pools"]) {
    CHECK(pool["over_time"]["bucket_s"] == width_s);
    for (const auto& [name, values] : pool["over_time"].items()) {
      if (name == "bucket_s") continue;
      INFO(name);
      CHECK(values.size() == static_cast<std::size_t>(std::ceil(end_s / width_s)));
    }
  }
}

TEST_CASE("accounts: a series times its width is the total over the run") {
  const SeenRun run = see(split_run());
  const double end_s = run.summary["duration_s"];
  const InstanceId prompt_instances = run.summary["pools"][0]["instances"];
  std::size_t index = 0;
  for (const Json& pool : run.summary["pools"]) {
    const auto instances = pool["instances"].get<double>();
    CHECK(integral(pool, "busy_instances", end_s) ==
          Approx(pool["utilization"].get<double>() * instances * end_s));
    CHECK(integral(pool, "power_w", end_s) == Approx(pool["energy_kwh"].get<double>() * 3.6e6));
    CHECK(integral(pool, "queued_requests", end_s) ==
          Approx(pool["queued_requests_mean"].get<double>() * instances * end_s).margin(1e-9));
    CHECK(pool["over_time"]["memory_bytes"].back().get<double>() > 0);
    double transfers_s = 0;
    for (const SeenTransfer& transfer : run.transfers) {
      if ((transfer.from < prompt_instances) == (index == 0))
        transfers_s += transfer.end_s - transfer.start_s;
    }
    CHECK(integral(pool, "transfers", end_s) == Approx(transfers_s).margin(1e-9));
    ++index;
  }
}

TEST_CASE("accounts: the cluster's peak and P99 power are those of its pools' series") {
  const Json summary = see(split_run()).summary;
  std::vector<double> power(summary["pools"][0]["over_time"]["power_w"].size());
  for (const Json& pool : summary["pools"]) {
    for (std::size_t i = 0; i < power.size(); ++i) {
      power[i] += pool["over_time"]["power_w"].at(i).get<double>();
    }
  }
  std::sort(power.begin(), power.end());
  CHECK(summary["power"]["peak_w"].get<double>() == Approx(power.back()));
  CHECK(summary["power"]["p99_w"].get<double>() ==
        Approx(power[static_cast<std::size_t>(0.99 * static_cast<double>(power.size() - 1))]));
}

TEST_CASE("accounts: a warm-up changes no cost and no energy of the run") {
  const auto costs = [](double warmup_s) {
    const Json summary = see({{"results", {{"warmup_s", warmup_s}}}}).summary;
    return Json{summary["cost"]["spent_usd"], summary["cost"]["requests_per_usd"],
                summary["power"]["energy_kwh"], summary["requests"]["completed"]};
  };
  CHECK(costs(60) == costs(0));
}

TEST_CASE("accounts: a run ends with its last request, whatever faults come later") {
  const Json quiet = see(Json::object()).summary;
  for (const char* action : {"start", "slow"}) {
    Json fault{{"at_s", 3600}, {"action", action}, {"machine", 0}};
    if (action == std::string("slow")) fault["factor"] = 1;
    const Json late = see({{"faults", {fault}}}).summary;
    CHECK(late["duration_s"] == quiet["duration_s"]);
    CHECK(late["cost"] == quiet["cost"]);
    CHECK(late["links"] == quiet["links"]);
  }
}

}  // namespace cleave
