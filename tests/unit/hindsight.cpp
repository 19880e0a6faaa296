// What scaling would have cost who knew the traffic beforehand, with a capacity by hand.

#include "sim/scaling/hindsight.h"

#include "tests/catch.h"
#include "tests/support/seen_run.h"

using namespace cleave;

namespace {

/// Machines of pool i carry 1/(tokens of a request) * rates[i] requests a second.
struct HandCapacity : PoolCapacity {
  std::vector<double> rates;
  double requests_rps(std::size_t pool, double prompt_tokens, double output_tokens,
                      double) const override {
    return rates[pool] / (prompt_tokens + output_tokens);
  }
  double start_up_s(std::size_t) const override { return 0; }
};

ScalerPool pool_of(PoolRole role, std::uint32_t machines, std::uint32_t least) {
  return {0, role, machines, 1, least, machines, {}};
}

void send(Hindsight& hindsight, double from_s, int count, std::uint32_t prompt_tokens = 50) {
  for (int i = 0; i < count; ++i) hindsight.arrived(0, from_s + i * 0.01, prompt_tokens, 50);
}

}  // namespace

TEST_CASE("hindsight: each window has as many machines as its requests take") {
  HandCapacity capacity;
  capacity.rates = {100};  // a request of 100 tokens a second, 300 a window
  Hindsight hindsight({pool_of(PoolRole::kMixed, 10, 1)}, capacity, {std::nullopt});
  send(hindsight, 0, 600);         // 2 machines
  send(hindsight, 300, 601);       // 3
  send(hindsight, 900, 300, 150);  // longer ones, after an idle window: 2
  // 300 s each of 2, 3, 1 and 2, then half a window of the least.
  CHECK(hindsight.machine_hours(1350) * 3600 == Approx(300 * (2 + 3 + 1 + 2) + 150 * 1));
}

TEST_CASE("hindsight: there are no more machines than there are, and no fewer than stay on") {
  HandCapacity capacity;
  capacity.rates = {100};
  Hindsight hindsight({pool_of(PoolRole::kMixed, 4, 2)}, capacity, {std::nullopt});
  send(hindsight, 0, 10'000);
  CHECK(hindsight.machine_hours(600) * 3600 == Approx(300 * 4 + 300 * 2));
}

TEST_CASE("hindsight: pools of a side share the load, each side carries all requests") {
  HandCapacity capacity;
  capacity.rates = {100, 100, 50};
  Hindsight hindsight({pool_of(PoolRole::kPrompt, 5, 0), pool_of(PoolRole::kToken, 2, 0),
                       pool_of(PoolRole::kToken, 9, 0)},
                      capacity, {std::nullopt});
  send(hindsight, 0, 900);
  // Three prompt machines; of the token machines two carry 600, and two of half the capacity 300.
  CHECK(hindsight.machine_hours(300) * 3600 == Approx(300 * (3 + 2 + 2)));
}

TEST_CASE("hindsight: what cannot be carried at all takes all there are") {
  HandCapacity capacity;
  capacity.rates = {0};
  Hindsight hindsight({pool_of(PoolRole::kMixed, 4, 0)}, capacity, {std::nullopt});
  send(hindsight, 0, 1);
  CHECK(hindsight.machine_hours(300) * 3600 == Approx(300 * 4));
}

TEST_CASE("hindsight: mixed pools carry what split ones do not") {
  HandCapacity capacity;
  capacity.rates = {100, 100, 50};
  Hindsight hindsight({pool_of(PoolRole::kPrompt, 5, 0), pool_of(PoolRole::kToken, 2, 0),
                       pool_of(PoolRole::kMixed, 9, 0)},
                      capacity, {std::nullopt});
  send(hindsight, 0, 900);
  // Two of either side carry 600, and two mixed ones of half the capacity the other 300.
  CHECK(hindsight.machine_hours(300) * 3600 == Approx(300 * (2 + 2 + 2)));
}

TEST_CASE("hindsight: machines that two LLMs share are counted once") {
  HandCapacity capacity;
  capacity.rates = {100, 100};
  ScalerPool borrower = pool_of(PoolRole::kMixed, 4, 0);
  borrower.llm = 1;
  borrower.borrows_from = 0;
  Hindsight hindsight({pool_of(PoolRole::kMixed, 4, 0), borrower}, capacity,
                      {std::nullopt, std::nullopt});
  for (int i = 0; i < 900; ++i) {
    hindsight.arrived(0, i * 0.3, 50, 50);
    hindsight.arrived(1, i * 0.3, 50, 50);
  }
  CHECK(hindsight.machine_hours(300) * 3600 == Approx(300 * 4));
}

TEST_CASE("hindsight: a run says it beside the hours that its machines were on") {
  Json scenario{{"workload",
                 {{"prompt_tokens", 1000},
                  {"output_tokens", 100},
                  {"arrivals", "constant"},
                  {"rate_rps", 2},
                  {"duration_s", 600}}},
                {"pools", {pool("prompt", 3), pool("token", 3)}},
                {"scaling", {{"policy", "schedule"}, {"sizes", {{0, {3, 3}}}}}}};
  const SeenRun run = see(scenario);
  const Json& scaling = run.summary["scaling"];
  const double end_s = run.summary["duration_s"];
  CHECK(scaling["machine_hours"].get<double>() * 3600 == Approx(6 * end_s));
  // One machine of each side carries two requests a second; min_count keeps them on to the end.
  CHECK(scaling["hindsight_machine_hours"].get<double>() * 3600 == Approx(2 * end_s));
}
