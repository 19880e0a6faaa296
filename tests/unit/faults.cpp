// Machines that stop, slow down and come back; links that degrade.

#include "tests/catch.h"
#include "tests/support/seen_run.h"

namespace cleave {

namespace {

Json with_faults(Json faults) {
  return {{"workload",
           {{"prompt_tokens", 1000},
            {"output_tokens", 100},
            {"arrivals", "poisson"},
            {"rate_rps", 5},
            {"duration_s", 60}}},
          {"pools", {pool("prompt", 2), pool("token", 2)}},
          {"faults", std::move(faults)}};
}

Json fault(double at_s, const char* action, int machine) {
  return {{"at_s", at_s}, {"action", action}, {"machine", machine}};
}

double number(const SeenRun& run, const char* key) { return run.requests()[key].get<double>(); }

void check_nothing_lost(const SeenRun& run) {
  CHECK(number(run, "arrived") ==
        number(run, "completed") + number(run, "rejected") + number(run, "unfinished"));
}

}  // namespace

TEST_CASE("faults: requests of a machine that stops begin again elsewhere, counted as restarts") {
  const SeenRun run = see(with_faults({fault(20, "stop", 2), fault(40, "start", 2)}));
  check_nothing_lost(run);
  CHECK(number(run, "completed") == number(run, "arrived"));
  CHECK(number(run, "restarts") > 0);
  bool back = false;
  for (const FinishedRequest& request : run.finished) {
    if (request.restarts > 0) CHECK(request.arrival_s < 20);
    if (request.arrival_s > 20 && request.arrival_s < 40) CHECK(request.token_instance != 2);
    back |= request.arrival_s > 40 && request.token_instance == 2;
  }
  CHECK(back);
}

TEST_CASE("faults: memory is given back by requests that are taken away") {
  const SeenRun run = see(with_faults({fault(20, "stop", 2), fault(30, "stop", 0)}));
  for (const double last : run.last_memory_bytes) CHECK(last == run.last_memory_bytes[0]);
  CHECK(number(run, "completed") == number(run, "arrived"));
}

TEST_CASE("faults: a cluster that lost a whole pool serves through mixed machines") {
  for (const auto& lost : {std::pair(0, 1), std::pair(2, 3)}) {
    const SeenRun run =
        see(with_faults({fault(20, "stop", lost.first), fault(20, "stop", lost.second)}));
    CHECK(number(run, "completed") == number(run, "arrived"));
    CHECK_FALSE(run.pool_changes.empty());
  }
}

TEST_CASE("faults: a cluster without machines says how many requests it left stranded") {
  Json all = Json::array();
  for (int machine = 0; machine < 4; ++machine) all.push_back(fault(30, "stop", machine));
  const SeenRun run = see(with_faults(all));
  check_nothing_lost(run);
  CHECK(number(run, "stranded") > 0);
  CHECK(number(run, "stranded") == number(run, "unfinished"));
  all.push_back(fault(50, "start", 1));
  const SeenRun saved = see(with_faults(all));
  CHECK(number(saved, "completed") == number(saved, "arrived"));
}

TEST_CASE("faults: a slow machine takes longer, and is itself again afterwards") {
  Json slow = fault(20, "slow", 0);
  slow["factor"] = 3;
  Json normal = fault(40, "slow", 0);
  normal["factor"] = 1;
  const SeenRun run = see(with_faults({slow, normal}));
  double during_s = 0;
  double after_s = 0;
  for (const Segment& segment : run.segments) {
    if (segment.instance != 0 || segment.prompts != 1) continue;
    if (segment.start_s > 21 && segment.end_s < 40) during_s = segment.end_s - segment.start_s;
    if (segment.start_s > 41) after_s = segment.end_s - segment.start_s;
  }
  REQUIRE(after_s > 0);
  CHECK(during_s == Approx(3 * after_s));
}

TEST_CASE("faults: a degraded link slows its transfers, a cut one holds them until it is back") {
  const auto link = [](double at_s, double share) {
    return Json{
        {"at_s", at_s}, {"action", "scale_link"}, {"link", "machine-2-nic-down"}, {"share", share}};
  };
  const SeenRun slow = see(with_faults({link(0, 0.001)}));
  for (const SeenTransfer& transfer : slow.transfers) {
    if (transfer.to == 2) CHECK(transfer.end_s - transfer.start_s > 20 * transfer.ideal_s);
  }
  const SeenRun cut = see(with_faults({link(10, 0), link(40, 1)}));
  check_nothing_lost(cut);
  CHECK(number(cut, "completed") == number(cut, "arrived"));
  for (const SeenTransfer& transfer : cut.transfers) {
    if (transfer.to == 2) CHECK((transfer.end_s <= 10 || transfer.end_s >= 40));
  }
}

}  // namespace cleave
