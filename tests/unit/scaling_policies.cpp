// Policies of scaling alone: what they want of a cluster that is described to them.

#include "sim/scaling/instance_capacity.h"
#include "sim/scaling/scaling_policy.h"
#include "tests/catch.h"
#include "tests/support/fakes.h"
#include "tests/support/policies.h"
#include "tests/unit/traces_support.h"

using namespace cleave;
using cleave::testing::error_of;

namespace {

/// Each machine carries so many requests a second, and is up after 20 s.
struct FlatCapacity : PoolCapacity {
  double rps = 10;
  double requests_rps(std::size_t, double, double, double) const override { return rps; }
  double start_up_s(std::size_t) const override { return 20; }
};

/// A policy, a prompt pool of 10 machines and a token pool of 20, both with 2 at least.
struct Scaled {
  explicit Scaled(const std::string& name, const Json& settings = Json::object())
      : policy_(policy<ScalingPolicies>(name, settings)({pools(), 0, 2, capacity, {}})) {
    seen.pools = pools();
    for (const PoolRole role : {PoolRole::kPrompt, PoolRole::kToken}) side(role).up = 4;
    for (ScaledPool& pool : seen.pools) pool.on = 4;
    sizes = {{4, 0}, {4, 0}};
  }
  static std::vector<ScaledPool> pools() {
    return {{PoolRole::kPrompt, 10, 2}, {PoolRole::kToken, 20, 2}};
  }
  ScaledSide& side(PoolRole role) { return seen.sides[static_cast<std::size_t>(role)]; }
  /// So many machines of each pool, wanted at this time.
  std::vector<std::uint32_t> look(double time_s) {
    seen.now_s = time_s;
    policy_->decide(seen, sizes);
    std::vector<std::uint32_t> machines;
    for (const PoolSize& size : sizes) machines.push_back(size.machines);
    return machines;
  }

  FlatCapacity capacity;
  ScalingView seen;
  std::vector<PoolSize> sizes;
  std::unique_ptr<ScalingPolicy> policy_;
};

using Sizes = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("scaling: a schedule wants its sizes from its times on, and begins again") {
  Scaled scaled("schedule", {{"sizes", {{0, {3, 5}}, {100, {8, 16}}}}, {"period_s", 1000}});
  CHECK(scaled.policy_->first_s() == 0);
  CHECK(scaled.look(0) == Sizes{3, 5});
  CHECK(scaled.policy_->next_s(0) == 100);
  CHECK(scaled.look(100) == Sizes{8, 16});
  CHECK(scaled.policy_->next_s(100) == 1000);
  CHECK(scaled.look(1000) == Sizes{3, 5});
  CHECK(scaled.policy_->next_s(1000) == 1100);
}

TEST_CASE("scaling: without a period the last size of a schedule stays") {
  const Scaled scaled("schedule", {{"sizes", {{10, {3, 5}}, {100, {8, 16}}}}});
  CHECK(scaled.policy_->first_s() == 10);
  CHECK(scaled.policy_->next_s(100) == ScalingPolicy::kNever);
}

TEST_CASE("scaling: a schedule that does not fit the pools is refused") {
  CHECK(error_of([] { Scaled("schedule"); }).find("section.sizes: is missing") == 0);
  CHECK(error_of([] {
          Scaled("schedule", {{"sizes", {{0, {1}}}}});
        }) == "section.sizes[0]: has 1 counts of machines; expected one for each of the 2 pools");
  CHECK(error_of([] {
          Scaled("schedule", {{"sizes", {{5, {1, 2}}, {5, {1, 2}}}}});
        }) == "section.sizes[1]: expected a time from 0 to 1e9 s, after the one before");
  CHECK(error_of([] {
          Scaled("schedule", {{"sizes", {{5, {1, 2}}}}, {"period_s", 5}});
        }) == "section.period_s: expected more than the last time of sizes");
  CHECK(error_of([] {
          Scaled("schedule", {{"sizes", {{5, {-1, 2}}}}});
        }) == "section.sizes[0]: expected [seconds, [machines of each pool]]");
}

TEST_CASE("scaling: reactive brings the worst figure of a side down to its target") {
  Scaled scaled("reactive", {{"target_queue", 2}, {"target_kv", 0.5}, {"down_window_s", 0}});
  scaled.side(PoolRole::kPrompt).queued = 12;            // 3 on each of 4: 1.5 times the target
  scaled.side(PoolRole::kToken).reserved_share = 0.625;  // 1.25 times
  CHECK(scaled.look(15) == Sizes{6, 5});
}

TEST_CASE("scaling: reactive leaves a side alone that is about at its target") {
  Scaled scaled("reactive", {{"target_queue", 2}, {"target_kv", 0.5}, {"tolerance", 0.1}});
  scaled.side(PoolRole::kPrompt).queued = 8;
  scaled.side(PoolRole::kToken).reserved_share = 0.549;
  CHECK(scaled.look(15) == Sizes{4, 4});
}

TEST_CASE("scaling: reactive shrinks to the most that was wanted in its window") {
  Scaled scaled("reactive", {{"target_queue", 2}, {"target_kv", 0.5}, {"down_window_s", 60}});
  scaled.side(PoolRole::kPrompt).queued = 8;
  scaled.side(PoolRole::kToken).reserved_share = 0.5;
  CHECK(scaled.look(15) == Sizes{4, 4});
  scaled.side(PoolRole::kToken).reserved_share = 0.25;
  CHECK(scaled.look(30) == Sizes{4, 4});
  CHECK(scaled.look(75) == Sizes{4, 4});
  CHECK(scaled.look(76) == Sizes{4, 2});
}

TEST_CASE("scaling: reactive follows latency where it has a target for it") {
  Scaled scaled("reactive",
                {{"target_ttft_s", 1}, {"target_tpot_s", 0.05}, {"target_queue", 1000}});
  scaled.side(PoolRole::kToken).reserved_share = 0.7;
  scaled.seen.traffic.ttft_s = 2;
  scaled.seen.traffic.tpot_s = 0.1;
  CHECK(scaled.look(15) == Sizes{8, 8});
}

TEST_CASE("scaling: planner wants the predicted load over what a machine carries, with headroom") {
  Scaled scaled("planner", {{"predictor", "constant"}, {"headroom", 1.25}, {"down_window_s", 0}});
  scaled.seen.traffic = {15, 40, 1000, 100, {}, {}};  // 50 a second with headroom, 10 a machine
  CHECK(scaled.look(15) == Sizes{5, 5});
  scaled.seen.traffic.requests_rps = 170;
  CHECK(scaled.look(30) == Sizes{10, 20});  // 22 of 10 and of 20
}

TEST_CASE("scaling: planner prolongs a line to when new machines will be up") {
  Scaled scaled("planner", {{"predictor", "linear"}, {"headroom", 1}, {"tick_s", 10}});
  for (int tick = 1; tick <= 5; ++tick) {
    scaled.seen.traffic = {10, 10.0 * tick, 1000, 100, {}, {}};
    scaled.look(10 * tick);
  }
  // 60 a second at 60 s, one more each second, 20 s of start-up and a tick of 10 s ahead.
  scaled.seen.traffic.requests_rps = 60;
  CHECK(scaled.look(60) == Sizes{9, 9});
}

TEST_CASE("scaling: planner waits until it has seen lengths") {
  Scaled scaled("planner");
  scaled.seen.traffic = {15, 40, 1000, 0, {}, {}};
  CHECK(scaled.look(15) == Sizes{4, 4});
}

TEST_CASE(
    "scaling: roles gives the needier side a machine while the other stays below its target") {
  Scaled scaled("roles", {{"target_backlog", 1000}, {"target_kv", 0.5}, {"margin", 1.2}});
  scaled.side(PoolRole::kPrompt).pending_tokens = 8000;  // twice the target
  scaled.side(PoolRole::kToken).reserved_share = 0.25;   // half of it, 0.67 with three
  scaled.look(15);
  CHECK(scaled.sizes[0].lent == 0);
  CHECK(scaled.sizes[1].lent == 1);
  // Back before any other goes.
  scaled.side(PoolRole::kPrompt).pending_tokens = 0;
  scaled.side(PoolRole::kToken).reserved_share = 0.6;
  scaled.look(30);
  CHECK(scaled.sizes[1].lent == 0);
  CHECK(scaled.sizes[0].lent == 0);
  scaled.look(45);
  CHECK(scaled.sizes[0].lent == 1);
}

TEST_CASE("scaling: roles moves nothing where both sides are above their targets") {
  Scaled scaled("roles", {{"target_backlog", 1000}, {"target_kv", 0.5}, {"margin", 1.2}});
  scaled.side(PoolRole::kPrompt).pending_tokens = 16000;
  scaled.side(PoolRole::kToken).reserved_share = 0.5;
  scaled.look(15);
  CHECK(scaled.sizes[1].lent == 0);
}

TEST_CASE("scaling: capacity of a prompt machine is whole prompts an iteration") {
  const FlatLatency latency;  // a millisecond a token
  const InstanceCapacity capacity({{PoolRole::kPrompt, &latency, {2048, 100, 2048}, 100000, 2, 5}});
  // Two prompts of 1000 tokens take 2 s: one a second for each of two instances.
  CHECK(capacity.requests_rps(0, 1000, 100, INFINITY) == Approx(2));
  CHECK(capacity.start_up_s(0) == 5);
}

TEST_CASE("scaling: capacity of a token machine is the batch that memory or the limit allows") {
  const FlatLatency latency;  // 100 ms an iteration, whatever its size
  const InstanceCapacity capacity({{PoolRole::kToken, &latency, {2048, 50, 2048}, 21000, 1, 0}});
  // 20 sequences of 1000 + 50 tokens fit: 20 tokens each 0.1 s, 100 of a request's 101.
  CHECK(capacity.requests_rps(0, 1000 - 0.5, 101, INFINITY) == Approx(20 / 0.1 / 100));
  CHECK(capacity.requests_rps(0, 10, 101, INFINITY) == Approx(50 / 0.1 / 100));
  CHECK(capacity.requests_rps(0, 10, 101, 0.09) == 0);
}

TEST_CASE("scaling: a mixed machine carries what prompts and tokens leave of its time") {
  const FlatLatency latency;
  const InstanceCapacity capacity({{PoolRole::kMixed, &latency, {1000, 50, 1000}, 1000000, 1, 0}});
  // A prompt of 1000 tokens takes 1 s; 50 sequences give 5 requests of 101 tokens a second:
  // r + r / 5 = 1.
  CHECK(capacity.requests_rps(0, 1000, 101, INFINITY) == Approx(1 / 1.2));
}
