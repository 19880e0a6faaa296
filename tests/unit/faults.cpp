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

TEST_CASE("faults: the instances of a machine stop together, so that nothing restarts twice") {
  Json cluster = pool("mixed", 3);
  cluster["tensor_parallel"] = 2;
  cluster["instances_per_machine"] = 4;
  const SeenRun run = see({{"llm", "llama2-70b"},
                           {"workload",
                            {{"prompt_tokens", 1000},
                             {"output_tokens", 200},
                             {"arrivals", "constant"},
                             {"rate_rps", 20},
                             {"requests", 200}}},
                           {"pools", {cluster}},
                           {"scheduler", {{"policy", "jsq"}}},
                           {"slo", "none"},
                           {"faults", {fault(5.003, "stop", 0)}}});
  CHECK(number(run, "completed") == 200);
  CHECK(number(run, "restarts") > 0);
  for (const FinishedRequest& request : run.finished) CHECK(request.restarts <= 1);
  for (const Segment& segment : run.segments) {
    if (segment.instance < 4) CHECK(segment.end_s <= 5.003);
  }
}

TEST_CASE("faults: a machine that was slow and stops is itself again when it starts") {
  Json slow = fault(10, "slow", 0);
  slow["factor"] = 9;
  const SeenRun run = see(with_faults({slow, fault(20, "stop", 0), fault(21, "start", 0)}));
  const SeenRun well = see(with_faults({fault(20, "stop", 0), fault(21, "start", 0)}));
  const auto last_prompt_s = [](const SeenRun& seen) {
    double seconds = 0;
    for (const Segment& segment : seen.segments) {
      if (segment.instance == 0 && segment.prompts == 1 && segment.start_s > 21) {
        seconds = segment.end_s - segment.start_s;
      }
    }
    return seconds;
  };
  CHECK(last_prompt_s(run) == Approx(last_prompt_s(well)));
}

TEST_CASE("faults: a request that only a stopped machine could hold waits for it, or is stranded") {
  const Json prompts_of = {{"prompt_tokens", 100'000},
                           {"output_tokens", 10},
                           {"arrivals", "constant"},
                           {"rate_rps", 0.1},
                           {"requests", 3}};
  Json small = pool("token", 1, "8x-rtx-2080-ti");
  small["price_per_hour"] = 1;
  Json scenario = {{"llm", "llama2-13b"},
                   {"latency", {{"policy", "auto"}}},
                   {"workload", prompts_of},
                   {"pools", {pool("prompt", 1, "dgx-a100"), small}},
                   {"scheduler", {{"policy", "kv_jsq"}}},
                   {"slo", "none"},
                   {"faults", {fault(0, "stop", 0), fault(40, "start", 0)}}};
  const SeenRun waited = see(scenario);
  CHECK(number(waited, "completed") == 3);
  for (const Segment& segment : waited.segments) {
    CHECK(segment.instance == 0);
    CHECK(segment.start_s >= 40);
  }
  scenario["faults"].erase(1);
  const SeenRun lost = see(scenario);
  CHECK(number(lost, "stranded") == 3);
  CHECK(lost.segments.empty());
}

TEST_CASE("faults: where the only machine that could hold a request stops, it is stranded, once") {
  Json small = pool("prompt", 1, "8x-rtx-4090");
  small["tensor_parallel"] = 2;
  const SeenRun run = see({{"llm", "llama3-70b"},
                           {"weights", {{"format", "int4"}}},
                           {"kv_cache", {{"grouped_query", false}}},
                           {"workload",
                            {{"prompt_tokens", 6000},
                             {"output_tokens", 10},
                             {"arrivals", "constant"},
                             {"rate_rps", 10},
                             {"requests", 1}}},
                           {"pools", {small, pool("token", 1)}},
                           {"slo", "none"},
                           {"faults", {fault(0, "stop", 1)}}});
  CHECK(number(run, "stranded") == 1);
  CHECK(number(run, "restarts") <= 1);
}

TEST_CASE("faults: behind a link that stays cut, requests are stranded and do not begin again") {
  const Json cut = {
      {"at_s", 10}, {"action", "scale_link"}, {"link", "machine-1-nic-down"}, {"share", 0}};
  Json scenario = with_faults({cut});
  scenario["pools"] = {pool("prompt", 1), pool("token", 1)};
  scenario["scheduler"] = {{"policy", "kv_jsq"}};
  const SeenRun run = see(scenario);
  check_nothing_lost(run);
  CHECK(number(run, "stranded") == number(run, "unfinished"));
  CHECK(number(run, "stranded") > 0);
  for (const FinishedRequest& request : run.unfinished) CHECK(request.restarts <= 1);
}

TEST_CASE("queues: a machine that stops has nothing queued") {
  const SeenRun run = see({{"workload",
                            {{"prompt_tokens", 4000},
                             {"output_tokens", 20},
                             {"arrivals", "constant"},
                             {"rate_rps", 30},
                             {"requests", 300}}},
                           {"pools", {pool("mixed", 2)}},
                           {"scheduler", {{"policy", "jsq"}}},
                           {"slo", "none"},
                           {"faults", {fault(5, "stop", 0)}}});
  REQUIRE(run.last_queued.size() == 2);
  CHECK(run.last_queued[0] == 0);
  CHECK(run.last_queued[1] == 0);
}

}  // namespace cleave
