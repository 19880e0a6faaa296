// Which experts tokens ask for, and what the busiest part of them has to do.

#include "models/latency/expert_load.h"

#include <algorithm>
#include <numeric>

#include "models/latency/instance_model.h"
#include "sim/base/random.h"
#include "sim/scenario/pool_latency.h"
#include "sim/scenario/resolve.h"
#include "tests/catch.h"
#include "tests/support/seen_run.h"
#include "tests/unit/traces_support.h"

using namespace cleave;
using cleave::testing::error_of;

namespace {

/// Experts that any of `tokens` asks for, each expert by independent draws; the mean of many tries.
double drawn_touched(const std::vector<double>& shares, int tokens) {
  constexpr int kTries = 400;
  Random random(7, 0);
  double sum = 0;
  for (int each = 0; each < kTries; ++each) {
    for (const double share : shares) {
      bool asked = false;
      for (int token = 0; token < tokens && !asked; ++token) asked = random.uniform() < share;
      sum += asked ? 1 : 0;
    }
  }
  return sum / kTries;
}

Json deepseek(const Json& latency) {
  return {{"llm", "deepseek-v3"},
          {"weights", {{"format", "fp8"}}},
          {"latency", latency},
          {"scheduler", {{"policy", "jsq"}}},
          {"pools",
           {{{"role", "mixed"},
             {"machine", "dgx-h200"},
             {"count", 1},
             {"data_parallel", 8},
             {"expert_parallel", 8}}}}};
}

double decode_of(const Json& latency) {
  const Scenario scenario = read_scenario(scenario_of(deepseek(latency)));
  return decode_s(*pool_latency(scenario, 0), 256, 256 * 1000);
}

}  // namespace

TEST_CASE(
    "experts: shares fall with the rank, none is above 1, and they add up to those asked for") {
  for (const double skew : {0.0, 0.5, 1.0, 2.0, 3.0}) {
    const std::vector<double> shares = expert_shares(128, 8, skew);
    CHECK(std::accumulate(shares.begin(), shares.end(), 0.0) == Approx(8));
    CHECK(std::is_sorted(shares.rbegin(), shares.rend()));
    CHECK(shares.front() <= 1);
    if (skew == 1) CHECK(shares[127] / shares[63] == Approx(0.5));
  }
  CHECK(expert_shares(8, 2, 0) == std::vector<double>(8, 0.25));
}

TEST_CASE("experts: alike, n tokens touch E (1 - (1 - k/E)^n) of them") {
  const ExpertLoad load(128, 8, 1, {});
  for (const double tokens : {1.0, 16.0, 300.0}) {
    CHECK(load.of(tokens).touched == Approx(128 * (1 - std::pow(1 - 8.0 / 128, tokens))));
    CHECK(load.of(tokens).routed == Approx(8 * tokens));
  }
}

TEST_CASE("experts: skewed, they touch as many as draws say") {
  for (const double skew : {0.6, 1.2}) {
    const ExpertLoad load(128, 8, 1, {skew, false});
    const std::vector<double> shares = expert_shares(128, 8, skew);
    for (const int tokens : {4, 32}) {
      INFO(skew << " " << tokens);
      CHECK(load.of(tokens).touched == Approx(drawn_touched(shares, tokens)).epsilon(0.03));
    }
    CHECK(load.of(32).touched < ExpertLoad(128, 8, 1, {}).of(32).touched);
  }
}

TEST_CASE("experts: of several parts the busiest has more to do the less alike experts are") {
  double before = ExpertLoad(256, 8, 8, {}).of(2048).routed;
  for (const double skew : {0.3, 0.6, 1.0}) {
    const double random = ExpertLoad(256, 8, 8, {skew, false}).of(2048).routed;
    const double balanced = ExpertLoad(256, 8, 8, {skew, true}).of(2048).routed;
    CHECK(random > before);
    CHECK(balanced < random);
    CHECK(balanced >= 2048 * 8 / 8.0);
    before = random;
  }
}

TEST_CASE("experts: a skew lengthens iterations where parts wait for the busiest, balance less") {
  const double alike = decode_of({{"engine", "sglang"}});
  const double skewed = decode_of({{"engine", "sglang"}, {"expert_skew", 1}});
  const double balanced =
      decode_of({{"engine", "sglang"}, {"expert_skew", 1}, {"expert_placement", "balanced"}});
  CHECK(decode_of({{"engine", "sglang"}, {"expert_skew", 0}}) == alike);
  CHECK(skewed > alike);
  CHECK(balanced < skewed);
}

TEST_CASE("experts: a skew of what has no experts, or no model of them, is refused") {
  const auto error = [](const Json& changes) {
    return error_of([&] { read_scenario(scenario_of(changes)); });
  };
  Json dense = deepseek({{"engine", "vllm"}, {"expert_skew", 1}});
  dense["llm"] = "llama3-8b";
  dense["pools"][0]["data_parallel"] = 1;
  dense["pools"][0].erase("expert_parallel");
  CHECK(error(dense) == "latency.expert_skew: llama3-8b has no experts");
  CHECK(error(deepseek({{"expert_skew", 1}})) ==
        "latency.expert_skew: only the step model knows of experts; expected latency.engine vllm, "
        "sglang or trtllm");
  CHECK(error(deepseek({{"engine", "vllm"}, {"expert_placement", "random"}})) ==
        "latency.expert_placement: has no meaning without expert_skew");
  CHECK(error(deepseek({{"engine", "vllm"}, {"expert_skew", 4}}))
            .starts_with("latency.expert_skew: "));
}
