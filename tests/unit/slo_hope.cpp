// Runs that end where their SLO is lost: what is expected of a workload, when a limit is lost, and
// that a whole run breaks what such a run says is lost.

#include "sim/metrics/slo_hope.h"

#include <set>

#include "tests/catch.h"
#include "tests/support/simulation.h"

namespace cleave {

namespace {

Scenario scenario_with(const Json& changes) {
  return read_scenario(merge_scenario(default_scenario(), changes));
}

/// Of ten requests, one a second from 0 s on.
Json ten_requests() {
  Json rows = Json::array();
  for (int i = 0; i < 10; ++i) rows.push_back({i, 100, 10});
  return {{"workload", {{"trace", rows}}}};
}

/// A request that came at `arrival_s` and got its first token so much later, the last 1 s after it.
FinishedRequest with_ttft(double arrival_s, double ttft_s, std::uint64_t number = 0) {
  FinishedRequest request;
  request.number = number;
  request.prompt_tokens = 100;
  request.output_tokens = 10;
  request.arrival_s = arrival_s;
  request.first_token_s = arrival_s + ttft_s;
  request.completion_s = request.first_token_s + 1;
  return request;
}

/// How many of `hope`'s requests with such a TTFT it takes until the SLO is lost.
int lost_after(SloHope& hope, double ttft_s, double arrival_s = 0) {
  for (int i = 1; i <= 1000; ++i) {
    try {
      hope.add(with_ttft(arrival_s, ttft_s));
    } catch (const SloLost& lost) {
      CHECK(lost.at_s == arrival_s + ttft_s + 1);
      return i;
    }
  }
  return 0;
}

SloHope hope_for(const char* percentile, const ExpectedRequests& expected, double longer = 1) {
  return {scenario_with({{"slo", {{"limits", {{"ttft", {{percentile, 2}}}}}}}}), expected, longer};
}

/// What breaks in a whole run, and what an ended one says is lost; empty where it was not ended.
struct Both {
  std::set<std::string> breaks;
  std::set<std::string> lost;
  double lost_at_s = 0;
  double end_s = 0;
};

Both both(const Json& changes, double longer) {
  const Scenario scenario = scenario_with(changes);
  const Json whole = simulate_changes(changes);
  const Json ended = Json::parse(in_child([&] {
    Simulation simulation(scenario);
    return simulation.alone().until_lost(*expected_requests(scenario), longer).run().dump();
  }));
  Both both;
  both.end_s = whole["duration_s"];
  for (const Json& limit : whole["slo"]["limits"]) {
    if (longer * limit["value"].get<double>() <= limit["limit"].get<double>()) continue;
    both.breaks.insert(limit["metric"].get<std::string>() + " " +
                       limit["percentile"].get<std::string>());
  }
  if (!ended.contains("lost")) {
    CHECK(ended == whole);
    return both;
  }
  for (const Json& limit : ended["lost"]["limits"]) both.lost.insert(limit.get<std::string>());
  both.lost_at_s = ended["lost"]["at_s"];
  return both;
}

}  // namespace

TEST_CASE("expected requests: those that are measured, for certain and at most") {
  const auto expected = [](Json changes, const Json& more) {
    changes.merge_patch(more);
    return expected_requests(scenario_with(changes));
  };
  const Json ten = ten_requests();
  // A warm-up that is found may reach to 4.5 s, the middle; or it may not be there at all.
  const auto found = expected(ten, Json::object());
  CHECK(found->most == 10);
  CHECK(found->from_s == 4.5);
  const auto given = expected(ten, {{"results", {{"warmup_s", 3}}}});
  CHECK(given->most == 7);
  CHECK(given->from_s == 3);
  const auto counted =
      expected(Json::object(), {{"workload", {{"requests", 100}, {"warmup_requests", 20}}}});
  CHECK(counted->most == 100);
  CHECK(counted->from_number == 20);
  CHECK(counted->from_s == 0);
}

TEST_CASE("expected requests: nobody knows them where completed ones decide who comes") {
  const auto known = [](const Json& workload) {
    return expected_requests(scenario_with({{"workload", workload}})).has_value();
  };
  CHECK(known({{"requests", 50}}));
  CHECK_FALSE(known({{"requests", 50}, {"concurrency", 4}}));
  CHECK_FALSE(known({{"requests", 50}, {"arrivals", "infinite"}, {"rate_rps", nullptr}}));
}

TEST_CASE("slo hope: a limit is lost once more are beyond it than its percentile leaves") {
  // Of 101 values, P90 is the one at rank 90: where 11 are beyond the limit, it is. One to spare.
  SloHope p90 = hope_for("p90", {101, 0, 0});
  CHECK(lost_after(p90, 2.1) == 12);
  SloHope p50 = hope_for("p50", {101, 0, 0});
  CHECK(lost_after(p50, 2.1) == 52);
  // Within the limit, or so near to it that a quantile of many values may be either.
  SloHope kept = hope_for("p90", {101, 0, 0});
  CHECK(lost_after(kept, 2) == 0);
  CHECK(lost_after(kept, 2.001) == 0);
}

TEST_CASE("slo hope: only requests count that are measured for certain") {
  SloHope hope = hope_for("p90", {101, 5, 0});
  CHECK(lost_after(hope, 3, 4.9) == 0);
  CHECK(lost_after(hope, 3, 5) == 12);
  SloHope counted = hope_for("p90", {101, 0, 1});
  CHECK(lost_after(counted, 3) == 0);
}

TEST_CASE("slo hope: latencies can be meant to be longer than they are") {
  SloHope hope = hope_for("p90", {101, 0, 0}, 1.5);
  CHECK(lost_after(hope, 1.3) == 0);
  CHECK(lost_after(hope, 1.4) == 12);
}

TEST_CASE("slo hope: a whole run breaks what is lost, and what is not lost runs in full") {
  std::size_t ended = 0;
  std::size_t kept = 0;
  const auto check = [&](const Json& changes, double longer) {
    const Both seen = both(changes, longer);
    INFO(changes.dump());
    for (const std::string& limit : seen.lost) CHECK(seen.breaks.contains(limit));
    if (seen.lost.empty()) {
      ++kept;
    } else {
      ++ended;
      CHECK(seen.lost_at_s < seen.end_s);
    }
  };
  for (const double rate_rps : {4, 10, 14, 30}) {
    for (const Json& results : {Json{{"warmup_s", "auto"}}, Json{{"warmup_s", 5}}}) {
      Json changes{{"workload", {{"rate_rps", rate_rps}, {"duration_s", 40}}},
                   {"pools",
                    {{{"role", "prompt"}, {"machine", "dgx-h100"}, {"count", 3}},
                     {{"role", "token"}, {"machine", "dgx-h100"}, {"count", 3}}}},
                   {"results", results}};
      check(changes, 1);
      check(changes, 1.2);
      changes["slo"] = {
          {"limits", {{"ttft", {{"p50", 0.3}, {"p99", 1}}}, {"itl", {{"p99", 0.1}}}}}};
      check(changes, 1);
      changes["workload"]["warmup_requests"] = 30;
      changes["results"]["warmup_s"] = "auto";
      check(changes, 1);
    }
  }
  CHECK(ended >= 10);
  CHECK(kept >= 4);
}

}  // namespace cleave
