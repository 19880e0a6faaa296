// Runs whose requests are sent when others are completed.

#include <algorithm>

#include "sim/base/error.h"
#include "tests/catch.h"
#include "tests/support/seen_run.h"
#include "tests/unit/traces_support.h"

namespace cleave {

namespace {

using Catch::Detail::Approx;

/// One machine, and clients that send it requests of one length.
Json one_machine(const Json& workload) {
  Json whole{{"prompt_tokens", 512}, {"output_tokens", 20}, {"arrivals", "closed"}};
  whole.update(workload);
  return {{"workload", whole},
          {"pools", {pool("mixed", 1)}},
          {"scheduler", {{"policy", "token_jsq"}}},
          {"slo", "none"}};
}

double busy_s(const SeenRun& run, double from_s, double to_s) {
  double sum = 0;
  for (const FinishedRequest& request : run.finished) {
    sum +=
        std::max(0.0, std::min(to_s, request.completion_s) - std::max(from_s, request.arrival_s));
  }
  return sum;
}

std::size_t most_at_once(const SeenRun& run) {
  std::vector<std::pair<double, int>> changes;  // at one time the completion comes first
  for (const FinishedRequest& request : run.finished) {
    changes.emplace_back(request.arrival_s, 1);
    changes.emplace_back(request.completion_s, -1);
  }
  std::sort(changes.begin(), changes.end());
  int now = 0;
  int most = 0;
  for (const auto& [time_s, change] : changes) most = std::max(most, now += change);
  return static_cast<std::size_t>(most);
}

}  // namespace

TEST_CASE("closed: throughput is one over latency and think time where there is one client") {
  for (const double think_s : {0.0, 0.75}) {
    const SeenRun run =
        see(one_machine({{"concurrency", 1}, {"requests", 101}, {"think_s", think_s}}));
    const double e2e_s = run.summary["e2e"]["mean"];
    CHECK(run.finished.back().arrival_s == Approx(100 * (e2e_s + think_s)));
    CHECK(run.finished[50].arrival_s - run.finished[49].completion_s ==
          Approx(think_s).margin(1e-9));
    if (think_s == 0) CHECK(run.summary["served_rps"].get<double>() * e2e_s == Approx(1));
  }
}

TEST_CASE("closed: Little's law is exact for any number of clients") {
  for (const int concurrency : {2, 7, 64}) {
    const SeenRun run = see(one_machine({{"concurrency", concurrency},
                                         {"requests", 20 * concurrency},
                                         {"length_range", {0.5, 1}}}));
    const double last_s = run.finished.back().arrival_s;
    CHECK(busy_s(run, 0, last_s) == Approx(concurrency * last_s));
    CHECK(most_at_once(run) == static_cast<std::size_t>(concurrency));
    // Requests under way at either end count by their parts there, so this is close, not exact.
    CHECK(run.summary["served_rps"].get<double>() * run.summary["e2e"]["mean"].get<double>() ==
          Approx(concurrency).epsilon(0.08));
  }
}

TEST_CASE("closed: what serves one at a time has each client wait for all the others") {
  Json changes = one_machine({{"output_tokens", 1}, {"concurrency", 5}, {"requests", 200}});
  changes["batching"] = {{"max_sequences", 1}};
  const SeenRun run = see(changes);
  const double service_s = run.finished[0].completion_s;
  for (std::size_t i = 5; i < run.finished.size(); ++i) {
    CHECK(run.finished[i].completion_s - run.finished[i].arrival_s == Approx(5 * service_s));
    CHECK(run.finished[i].arrival_s == Approx(run.finished[i - 5].completion_s));
  }
}

TEST_CASE("closed: warm-up requests are completed before, and not measured") {
  const SeenRun run = see(one_machine(
      {{"concurrency", 8}, {"requests", 40}, {"warmup_requests", 16}, {"length_range", {0.8, 1}}}));
  REQUIRE(run.finished.size() == 56);
  double warm_s = 0;
  for (std::size_t i = 0; i < 16; ++i) warm_s = std::max(warm_s, run.finished[i].completion_s);
  double ttft_s = 0;
  double tokens = 0;
  for (std::size_t i = 16; i < 56; ++i) {
    const FinishedRequest& request = run.finished[i];
    if (i < 24) CHECK(request.arrival_s == warm_s);
    CHECK(request.arrival_s >= warm_s);
    ttft_s += (request.first_token_s - request.arrival_s) / 40;
    tokens += request.output_tokens - 1;
  }
  CHECK(run.requests()["measured"] == 40);
  CHECK(run.summary["window"]["warmup"] == "given");
  CHECK(run.summary["window"]["from_s"].get<double>() == Approx(warm_s));
  CHECK(run.summary["window"]["arrived"] == 40);
  CHECK(run.summary["ttft"]["mean"].get<double>() == Approx(ttft_s));
  CHECK(run.summary["itl"]["count"].get<double>() == tokens);
}

TEST_CASE("warm-up requests at a rate are those that arrive first") {
  const Json workload{{"arrivals", "poisson"}, {"rate_rps", 3}, {"requests", 100}};
  Json warmed = workload;
  warmed["requests"] = 60;
  warmed["warmup_requests"] = 40;
  const SeenRun plain = see(one_machine(workload));
  const SeenRun run = see(one_machine(warmed));
  REQUIRE(run.finished.size() == plain.finished.size());
  for (std::size_t i = 0; i < run.finished.size(); ++i) {
    CHECK(run.finished[i].completion_s == plain.finished[i].completion_s);
  }
  CHECK(run.requests()["measured"] == 60);
  CHECK(run.summary["window"]["from_s"].get<double>() == Approx(run.finished[40].arrival_s));
}

TEST_CASE("warm-up requests that are all there is leave nothing to measure") {
  const testing::TempFile trace(trace_text({{0, 100, 5, 1}, {1, 100, 5, 2}}));
  const Json summary =
      see({{"workload", {{"trace", trace.path()}, {"warmup_requests", 2}}}}).summary;
  CHECK(summary["requests"]["completed"] == 2);
  CHECK(summary["requests"]["measured"] == 0);
  CHECK(summary["window"]["from_s"] == summary["window"]["to_s"]);
}

TEST_CASE("closed: a request that no machine can hold gives its place to the next") {
  const testing::TempFile trace(
      trace_text({{0, 100, 5, 1}, {0, 50'000'000, 5, 2}, {0, 60'000'000, 5, 3}, {0, 100, 5, 4}}));
  const SeenRun run = see({{"workload", {{"trace", trace.path()}, {"concurrency", 1}}}});
  CHECK(run.rejected.size() == 2);
  REQUIRE(run.finished.size() == 2);
  CHECK(run.finished[1].arrival_s == run.finished[0].completion_s);
}

TEST_CASE("closed: requests that nothing is up for keep their places") {
  Json changes = one_machine({{"concurrency", 3}, {"requests", 100}});
  changes["faults"] = {{{"at_s", 0.2}, {"action", "stop"}, {"machine", 0}}};
  const SeenRun run = see(changes);
  CHECK(run.requests()["stranded"] == 3);
  CHECK(run.requests()["arrived"].get<std::size_t>() == run.finished.size() + 3);
}

TEST_CASE("closed: a fault after the last request is none") {
  Json changes = one_machine({{"concurrency", 2}, {"requests", 6}});
  const double end_s = see(changes).summary["duration_s"];
  changes["faults"] = {{{"at_s", 1000}, {"action", "stop"}, {"machine", 0}}};
  CHECK(see(changes).summary["duration_s"] == end_s);
}

TEST_CASE("what has no rate of its own offers none, and overloads nothing") {
  const Json overload{{"arrivals", "constant"}, {"rate_rps", 30}, {"requests", 600}};
  const Json open = see(one_machine(overload)).summary;
  CHECK(open["steady"]["overload"] == true);
  CHECK(open["offered_rps"].is_number());
  Json capped = overload;
  capped["concurrency"] = 10;
  for (const Json& workload : {capped, Json{{"concurrency", 10}, {"requests", 100}},
                               Json{{"concurrency", 10}, {"requests", 12}},
                               Json{{"arrivals", "infinite"}, {"requests", 100}}}) {
    INFO(workload);
    const Json summary = see(one_machine(workload)).summary;
    CHECK(summary["offered_rps"].is_null());
    CHECK(summary["steady"]["offered_rps"].is_null());
    CHECK(summary["steady"]["overload"] == false);
    CHECK(summary["steady"]["too_short"] == false);
  }
}

TEST_CASE("at a rate with a limit: latency counts from when a request is sent") {
  const SeenRun run = see(one_machine(
      {{"arrivals", "constant"}, {"rate_rps", 30}, {"requests", 300}, {"concurrency", 4}}));
  CHECK(most_at_once(run) == 4);
  CHECK(run.finished.back().arrival_s > 20);  // wanted after 10 s
  CHECK(run.summary["e2e"]["max"].get<double>() < 2);
}

TEST_CASE("closed: changes of a scenario drop what contradicts them, and it gives itself again") {
  const Json closed{{"workload", {{"arrivals", "closed"}, {"concurrency", 8}, {"requests", 9}}}};
  const Json scenario = complete_scenario(closed);
  CHECK(scenario["workload"].contains("trace"));
  CHECK_FALSE(scenario["workload"].value("rate_rps", Json()).is_number());
  CHECK(complete_scenario(scenario) == scenario);
  CHECK(read_scenario(scenario).workload.concurrency == 8);
  Json open = merge_scenario(scenario, {{"workload", {{"think_s", 2}, {"ramp_up_s", 1}}}});
  open = merge_scenario(open, {{"workload", {{"arrivals", "poisson"}, {"rate_rps", 3}}}});
  CHECK(read_scenario(open).workload.arrivals == "poisson");
  CHECK(read_scenario(merge_scenario(open, {{"workload", {{"arrivals", "infinite"}}}}))
            .workload.arrivals == "infinite");
}

TEST_CASE("closed: a warm-up in seconds and one in requests contradict each other") {
  Json changes = one_machine({{"concurrency", 2}, {"requests", 6}, {"warmup_requests", 2}});
  changes["results"] = {{"warmup_s", 3}};
  CHECK(testing::error_of([&] {
          read_scenario(scenario_of(changes));
        }).starts_with("results.warmup_s: contradicts workload.warmup_requests"));
}

}  // namespace cleave
