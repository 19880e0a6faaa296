// Faults as people say them: of many machines, at random, with notice.

#include "sim/scenario/faults.h"
#include "tests/catch.h"
#include "tests/support/seen_run.h"
#include "tests/unit/traces_support.h"

using namespace cleave;
using cleave::testing::error_of;

namespace {

/// On four prompt machines (0 to 3) and six token machines (4 to 9).
Json with_fault(Json fault) {
  return {{"workload",
           {{"prompt_tokens", 1000},
            {"output_tokens", 50},
            {"arrivals", "constant"},
            {"rate_rps", 5},
            {"duration_s", 100}}},
          {"pools", {pool("prompt", 4), pool("token", 6)}},
          {"faults", {std::move(fault)}}};
}

std::vector<FaultSpec> faults_of(const Json& fault) {
  return read_scenario(scenario_of(with_fault(fault))).faults;
}

std::vector<std::uint32_t> machines_of(const Json& fault) {
  std::vector<std::uint32_t> machines;
  for (const FaultSpec& each : faults_of(fault)) machines.push_back(each.machine);
  return machines;
}

std::string error_of_fault(const Json& fault) {
  return error_of([&] { faults_of(fault); });
}

using Machines = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("fault lists: machines by ranges, by pool and by rack") {
  const auto stop = [](const char* key, Json value) {
    return Json{{"at_s", 5}, {"action", "stop"}, {key, std::move(value)}};
  };
  CHECK(machines_of(stop("machines", "0-2,7")) == Machines{0, 1, 2, 7});
  CHECK(machines_of(stop("machines", "3,1,2-3")) == Machines{1, 2, 3});
  CHECK(machines_of(stop("pool", 1)) == Machines{4, 5, 6, 7, 8, 9});
  Json rack = stop("rack", 2);
  rack["machines_per_rack"] = 4;
  CHECK(machines_of(rack) == Machines{8, 9});
}

TEST_CASE("fault lists: an interruption drains at its notice, stops after it, and may be back") {
  const std::vector<FaultSpec> faults = faults_of({{"at_s", 10},
                                                   {"action", "interrupt"},
                                                   {"machine", 5},
                                                   {"notice_s", 30},
                                                   {"back_s", 20},
                                                   {"load_s", 4}});
  REQUIRE(faults.size() == 3);
  CHECK(faults[0].action == FaultSpec::Action::kDrain);
  CHECK(faults[0].at_s == 10);
  CHECK(faults[1].action == FaultSpec::Action::kStop);
  CHECK(faults[1].at_s == 40);
  CHECK(faults[2].action == FaultSpec::Action::kStart);
  CHECK(faults[2].at_s == 60);
  CHECK(faults[2].amount == 4);
  const SeenRun run =
      see(with_fault({{"at_s", 10}, {"action", "interrupt"}, {"machine", 5}, {"notice_s", 30}}));
  CHECK(run.requests()["restarts"] == 0);  // what ran there was done within the notice
}

TEST_CASE("fault lists: stragglers are a drawn share of the machines, the same for a seed") {
  const Json stragglers{{"at_s", 0},   {"action", "stragglers"},
                        {"pool", 1},   {"share", 0.3},
                        {"factor", 2}, {"seed", 7}};
  const Machines slow = machines_of(stragglers);
  CHECK(slow.size() == 2);
  CHECK(slow == machines_of(stragglers));
  for (const FaultSpec& fault : faults_of(stragglers)) {
    CHECK(fault.action == FaultSpec::Action::kSlow);
    CHECK(fault.amount == 2);
    CHECK(fault.machine >= 4);
  }
}

TEST_CASE("fault lists: random failures keep each machine down for the share of time they say") {
  Json fault{{"at_s", 0},      {"action", "failures"}, {"pool", 1},
             {"mtbf_h", 0.05}, {"repair_s", 20},       {"seed", 3}};
  Json scenario = with_fault(fault);
  scenario["workload"]["duration_s"] = 20000;
  scenario["workload"]["rate_rps"] = 0.5;
  const SeenRun run = see(scenario);
  const double end_s = run.summary["duration_s"];
  // Up for 180 s, down for 20 s: a tenth. Of 600 failures: 4 sigma of their mean.
  CHECK(run.summary["pools"][1]["off_share"].get<double>() ==
        Approx(0.1).epsilon(4 / std::sqrt(6 * end_s / 200)));
  CHECK(run.summary["pools"][0]["off_share"] == 0);
  std::vector<double> stops;
  for (const SeenStatus& each : run.statuses) {
    if (each.instance == 4 && each.status == InstanceStatus::kOff) stops.push_back(each.time_s);
    if (each.instance == 4 && each.status == InstanceStatus::kUp)
      CHECK(each.time_s == Approx(stops.back() + 20));
  }
  CHECK(stops.size() > 50);
  CHECK(run.requests()["completed"] == run.requests()["arrived"]);
  scenario["faults"][0]["seed"] = 4;
  CHECK(see(scenario).statuses.front().time_s != run.statuses.front().time_s);
}

TEST_CASE("fault lists: failures end with the last request, also where it waits for a repair") {
  const SeenRun run = see({{"workload",
                            {{"prompt_tokens", 1000},
                             {"output_tokens", 50},
                             {"arrivals", "constant"},
                             {"rate_rps", 5},
                             {"duration_s", 20}}},
                           {"pools", {pool("mixed", 1)}},
                           {"faults",
                            {{{"at_s", 0},
                              {"action", "failures"},
                              {"machine", 0},
                              {"mtbf_h", 0.001},
                              {"repair_s", 50}}}}});
  CHECK(run.requests()["completed"] == 100);
  CHECK(run.requests()["restarts"].get<int>() > 0);
}

TEST_CASE("fault lists: failures that let nothing finish end when a day brought nothing") {
  // Its output takes 70 s, and the machine fails every 3.6 s.
  const SeenRun run = see({{"workload", {{"trace", {{0, 1000, 2000}}}}},
                           {"pools", {pool("mixed", 1)}},
                           {"faults",
                            {{{"at_s", 0},
                              {"action", "failures"},
                              {"machine", 0},
                              {"mtbf_h", 0.001},
                              {"repair_s", 1}}}},
                           {"results", {{"warmup_s", 0}}}});
  CHECK(run.requests()["completed"] == 1);
  CHECK(run.requests()["restarts"].get<int>() > 10'000);
  CHECK(run.summary["duration_s"].get<double>() > 86'400);
}

TEST_CASE("fault lists: what cannot be is said in a sentence") {
  const auto stop = [](const char* key, Json value) {
    return Json{{"at_s", 5}, {"action", "stop"}, {key, std::move(value)}};
  };
  for (const char* text : {"", "3-", "a", "0-10", "5-4", "1,,2", "99999999999999999999"}) {
    CHECK(error_of_fault(stop("machines", text)) ==
          std::string("faults[0].machines: expected numbers and ranges below 10, as in "
                      "\"0-15,20\", found \"") +
              text + "\"");
  }
  Json both = stop("machine", 1);
  both["pool"] = 0;
  CHECK(error_of_fault(both) ==
        "faults[0].pool: contradicts machine; expected one of machine, machines, pool and rack");
  CHECK(error_of_fault(stop("rack", 0)).find("faults[0].machines_per_rack") == 0);
  CHECK(error_of_fault({{"at_s", 5}, {"action", "interrupt"}, {"machine", 1}})
            .find("faults[0].notice_s") == 0);
  CHECK(error_of_fault({{"action", "stop"}, {"machine", 1}}).find("faults[0].at_s") == 0);
}
