// The cost of a run of iterations against the same iterations one by one.

#include "models/latency/instance_model.h"
#include "models/latency/mixed_factor.h"
#include "tests/catch.h"

using namespace cleave;

namespace {

struct Group {
  Llm llm = load_llm("llama2-70b", "llm");
  Machine machine = load_machine("dgx-h100", "machine");
  EngineProfile engine = load_engine("vllm", "engine");

  std::unique_ptr<LatencyModel> latency(const std::string& policy) const {
    return LatencyPolicies::make(
        "policy", "policy", policy,
        InstanceDescription{llm, machine, 8, 1, {}, "pools[0]", 1, 1, &engine});
  }
};

/// Iteration `i` of the run that `shape` begins, as the first of its own.
BatchShape iteration(BatchShape shape, std::uint64_t i) {
  shape.prefill_pairs += static_cast<double>(i) * shape.pairs_growth;
  shape.kv_tokens += static_cast<std::int64_t>(static_cast<double>(i) * shape.kv_growth);
  return shape;
}

/// Chunks of `chunk` tokens of a prompt of which `before` are done, beside sequences.
BatchShape chunks(std::uint32_t chunk, double before, std::uint32_t decodes = 0,
                  std::int64_t kv_tokens = 0) {
  return {chunk,        chunk * (chunk + 2 * before), 2.0 * chunk * chunk, decodes, kv_tokens,
          1.0 * decodes};
}

}  // namespace

TEST_CASE("latency: a run costs what its iterations cost one by one, for as long as it says") {
  const Group group;
  for (const std::string& policy : LatencyPolicies::names()) {
    const auto latency = group.latency(policy);
    for (const BatchShape& shape :
         {BatchShape{0, 0, 0, 1, 100, 1}, BatchShape{0, 0, 0, 64, 70'000, 64},
          BatchShape{0, 0, 0, 64, 70'000, 30}, chunks(512, 0), chunks(512, 4096),
          chunks(64, 1024, 200, 300'000), chunks(16, 0, 256, 100'000),
          BatchShape{800, 4 * 200.0 * 200, 8.0 * 200 * 200, 0, 0}}) {
      INFO(policy << ": " << shape.prefill_tokens << " tokens, " << shape.decodes << " decodes");
      const RunCost cost = latency->cost(shape);
      REQUIRE(cost.holds_for >= 1);
      const std::uint64_t last = std::min<std::uint64_t>(cost.holds_for, 300);
      for (std::uint64_t i = 0; i < last; ++i) {
        const double alone_s = latency->cost(iteration(shape, i)).first_s;
        CHECK(cost.first_s + static_cast<double>(i) * cost.growth_s ==
              Approx(alone_s).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE(
    "latency: chunks of one prompt are bounded by the decodes beside them, then by attention") {
  const Group group;
  const auto latency = group.latency("roofline");
  const BatchShape shape = chunks(8, 0, 400, 200'000);
  const RunCost cost = latency->cost(shape);
  const RunCost decodes = latency->cost({0, 0, 0, 400, 200'000, 400});
  REQUIRE(cost.holds_for < RunCost::kForEver);
  CHECK(cost.first_s == Approx(decodes.first_s));
  CHECK(cost.growth_s == Approx(decodes.growth_s));
  const RunCost later = latency->cost(iteration(shape, cost.holds_for));
  CHECK(later.growth_s > decodes.growth_s);
}

TEST_CASE("latency: an iteration of both phases reads the weights once") {
  const Group group;
  // Not the published medians: they go up and down with the tokens.
  for (const char* policy : {"auto", "fitted", "roofline"}) {
    INFO(policy);
    const auto latency = group.latency(policy);
    for (const std::uint32_t prompt : {1U, 64U, 700U, 2048U}) {
      for (const std::uint32_t sequences : {1U, 32U, 256U}) {
        const std::int64_t kv_tokens = 900LL * sequences;
        const double both_s =
            latency->cost({prompt, 1.0 * prompt * prompt, 0, sequences, kv_tokens}).first_s;
        CHECK(both_s >= prompt_s(*latency, prompt));
        CHECK(both_s >= decode_s(*latency, sequences, kv_tokens));
        CHECK(both_s <
              prompt_s(*latency, prompt + sequences) + decode_s(*latency, sequences, kv_tokens));
      }
    }
  }
}

TEST_CASE("latency: with a factor, a run ends where its decodes become the longer part") {
  const Group group;
  const auto latency = with_mixed_factor(group.latency("fitted"), 1.1, true);
  BatchShape shape{2000, 2000, 0, 64, 64, 64};
  const double base_s = decode_s(*latency, 64, 0);
  const double kv_token_s = (decode_s(*latency, 64, 100'000) - base_s) / 100'000;
  const double both_s = latency->cost(shape).first_s;
  REQUIRE(both_s > base_s);
  // Ten iterations of 64 tokens before they are as long.
  shape.kv_tokens = std::llround((both_s - base_s) / kv_token_s) - 10 * 64 - 32;
  const RunCost cost = latency->cost(shape);
  CHECK(cost.holds_for == 11);
  CHECK(latency->cost(iteration(shape, 10)).first_s == Approx(both_s).epsilon(1e-12));
  CHECK(latency->cost(iteration(shape, 11)).first_s > both_s);
}

TEST_CASE("latency: chunks of several prompts that take ever less take no less than the decodes") {
  LatencyProfile profile = *find_latency_profile("llama2-70b_h100-80gb_tp8");
  profile.prefill.by_tokens = PiecewiseLinear({1, 10'000}, {0.01, 0.01});
  profile.prefill.per_squared_token_s = 0;
  profile.prefill.per_shared_token_s = 1e-4;
  Group group;
  const std::vector<LatencyProfile> own{profile};
  const auto latency = LatencyPolicies::make(
      "policy", "policy", "fitted",
      InstanceDescription{group.llm, group.machine, 8, 1, own, "pools[0]", 1, 1, &group.engine});
  // 256 chunks of 4 tokens each.
  const BatchShape shape{1024, 256 * 16.0, 2 * 256 * 16.0, 64, 6400, 64};
  const RunCost cost = latency->cost(shape);
  CHECK(cost.holds_for > 50);
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(cost.holds_for, 300); ++i) {
    CHECK(cost.first_s + static_cast<double>(i) * cost.growth_s ==
          Approx(latency->cost(iteration(shape, i)).first_s).epsilon(1e-12));
  }
}

TEST_CASE("latency: with a factor, both phases take so many times a prefill of all tokens") {
  const Group group;
  const auto plain = group.latency("fitted");
  const BatchShape both{500, 500.0 * 500, 0, 20, 20'000};
  const double prefill_s = plain->cost({520, 500.0 * 500 + 20, 0, 0, 0}).first_s;
  const auto factor = with_mixed_factor(group.latency("fitted"), 1.1, false);
  CHECK(factor->cost(both).first_s == Approx(1.1 * prefill_s));
  CHECK(prompt_s(*factor, 500) == prompt_s(*plain, 500));
  CHECK(decode_s(*factor, 20, 20'000) == decode_s(*plain, 20, 20'000));
  const auto at_least = with_mixed_factor(group.latency("fitted"), 0.01, true);
  CHECK(at_least->cost(both).first_s == decode_s(*plain, 20, 20'000));
}
