// Whether a cluster keeps up with its load, told from a run of it.

#include "sim/metrics/steadiness.h"

#include <cmath>

#include "sim/base/random.h"
#include "tests/catch.h"
#include "tests/support/seen_run.h"

namespace cleave {

namespace {

std::vector<double> series(std::size_t n, double (*value)(double)) {
  std::vector<double> values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(value(static_cast<double>(i)));
  return values;
}

Json mixed(double rate_rps, double duration_s) {
  return {{"workload", {{"rate_rps", rate_rps}, {"duration_s", duration_s}}},
          {"scheduler", {{"policy", "token_jsq"}}},
          {"pools", {pool("mixed", 40)}}};
}

Json split(int machines, double rate_rps, double duration_s) {
  return {{"workload", {{"rate_rps", rate_rps}, {"duration_s", duration_s}}},
          {"pools", {pool("prompt", machines), pool("token", machines)}}};
}

/// One slow network between a prompt and a token machine.
Json slow_network() {
  Json changes = split(1, 20, 60);
  changes["fabric"] = {{"nic_gbps", 0.05}, {"nics_per_machine", 1}};
  return changes;
}

enum class Verdict { kSteady, kOverload, kNobodyCanTell };

/// What is said under each of four seeds.
std::vector<Verdict> verdicts(Json changes) {
  std::vector<Verdict> all;
  for (const int seed : {1, 2, 3, 4}) {
    changes["workload"]["seed"] = seed;
    const Json steady = see(changes).summary["steady"];
    all.push_back(steady["overload"].get<bool>()    ? Verdict::kOverload
                  : steady["too_short"].get<bool>() ? Verdict::kNobodyCanTell
                                                    : Verdict::kSteady);
  }
  return all;
}

std::ptrdiff_t count(const std::vector<Verdict>& all, Verdict one) {
  return std::count(all.begin(), all.end(), one);
}

}  // namespace

TEST_CASE(
    "steadiness: a series is stationary from where it stops to climb, at most from its half") {
  CHECK(stationary_from(series(100, [](double) { return 7.0; })) == 0);
  CHECK(stationary_from(series(100, [](double i) { return std::min(i, 20.0); })) == 20);
  CHECK(stationary_from(series(100, [](double i) { return i; })) == 50);
  CHECK(stationary_from({}) == 0);
  CHECK(stationary_from({1}) == 0);
}

TEST_CASE("steadiness: growth is the slope, and its error covers chance") {
  const Growth line = growth(series(20, [](double i) { return 3 + i; }), 0.5);
  CHECK(line.per_s == Approx(2));
  CHECK(line.error_per_s == Approx(0).margin(1e-9));
  // Of so few means that are so much alike, an interval holds the truth nine times in ten.
  Random random(4, 1);
  int called = 0;
  constexpr int kRuns = 1000;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> values;
    double value = 0;
    for (int i = 0; i < 40; ++i) {
      value = 0.5 * value + random.uniform() - 0.5;
      if (i >= 20) values.push_back(value);
    }
    const Growth found = growth(values, 1);
    called += std::abs(found.per_s) > found.error_per_s ? 1 : 0;
  }
  CHECK(called < 0.12 * kRuns);
}

TEST_CASE("steadiness: half a load is never called overload, however short the run") {
  for (const double duration_s : {30.0, 60.0, 120.0}) {
    INFO(duration_s);
    CHECK(count(verdicts(mixed(40, duration_s)), Verdict::kOverload) == 0);
    CHECK(count(verdicts(mixed(80, duration_s)), Verdict::kOverload) == 0);
    CHECK(count(verdicts(split(40, 30, duration_s)), Verdict::kOverload) == 0);
  }
  CHECK(count(verdicts(mixed(40, 120)), Verdict::kSteady) == 4);
  CHECK(count(verdicts(split(40, 30, 240)), Verdict::kSteady) == 4);
}

TEST_CASE("steadiness: what is overloaded is said to be, however short the run") {
  for (const double duration_s : {30.0, 120.0}) {
    INFO(duration_s);
    CHECK(count(verdicts(split(2, 70, duration_s)), Verdict::kOverload) == 4);
  }
  CHECK(count(verdicts(mixed(160, 60)), Verdict::kOverload) == 4);
  CHECK(count(verdicts(mixed(120, 120)), Verdict::kOverload) == 4);
  CHECK(count(verdicts(slow_network()), Verdict::kOverload) == 4);
}

TEST_CASE("steadiness: a cluster that is just filling is neither") {
  CHECK(count(verdicts(mixed(80, 30)), Verdict::kNobodyCanTell) == 4);
}

TEST_CASE("steadiness: the numbers in the cluster are those of its requests, whatever the drain") {
  const SeenRun run = see(slow_network());
  const double last_s = run.summary["window"]["to_s"];
  REQUIRE(run.summary["duration_s"].get<double>() > 50 * last_s);
  const auto mean = [&](double from_s, double to_s) {
    double sum = 0;
    for (const FinishedRequest& request : run.finished) {
      sum +=
          std::max(0.0, std::min(request.completion_s, to_s) - std::max(request.arrival_s, from_s));
    }
    return sum / (to_s - from_s);
  };
  const Json& steady = run.summary["steady"];
  CHECK(steady["in_cluster_second_quarter"].get<double>() ==
        Approx(mean(last_s / 4, last_s / 2)).epsilon(1e-3));
  CHECK(steady["in_cluster_last_quarter"].get<double>() ==
        Approx(mean(last_s * 3 / 4, last_s)).epsilon(1e-3));
}

TEST_CASE("steadiness: in a steady run the number in the cluster is the rate times the E2E") {
  const Json summary = see(split(40, 30, 600)).summary;
  const double in_cluster = summary["steady"]["in_cluster_last_quarter"];
  CHECK(in_cluster ==
        Approx(summary["offered_rps"].get<double>() * summary["e2e"]["mean"].get<double>())
            .epsilon(0.05));
}

}  // namespace cleave
