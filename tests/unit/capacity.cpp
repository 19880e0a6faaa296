// What clusters can compute at most, and what their SLOs ask of them, by arithmetic.

#include "sim/explore/capacity.h"

#include <random>

#include "models/latency/cuda_graphs.h"
#include "models/latency/instance_model.h"
#include "models/latency/mixed_factor.h"
#include "sim/explore/plan.h"
#include "tests/catch.h"
#include "tests/support/seen_run.h"

namespace cleave {

namespace {

/// An iteration takes 1 s, and more for each token of a prompt, decode and KV token.
class Even : public LatencyModel {
 public:
  RunCost cost(const BatchShape& shape) const override {
    return {1 + 0.01 * shape.prefill_tokens + 0.1 * shape.decodes +
            0.001 * static_cast<double>(shape.kv_tokens)};
  }
};

struct Group {
  Llm llm;
  Machine machine = load_machine("dgx-h100", "machine");
  std::vector<LatencyProfile> own = {};
  EngineProfile engine = load_engine("vllm", "engine");

  explicit Group(const char* name) : llm(load_llm(name, "llm")) {}

  std::unique_ptr<LatencyModel> latency(const std::string& policy) const {
    return LatencyPolicies::make(
        "policy", "policy", policy,
        InstanceDescription{llm, machine, 8, 1, own, "pools[0]", 1, 1, &engine});
  }
};

/// No batch within the limits, of thousands drawn, takes less than it is worth.
void check_that_nothing_is_faster(const LatencyModel& latency) {
  const IterationLimits most{9000, 512, 400'000, 20, 5000};
  std::mt19937 random(1);
  const auto up_to = [&](double most_of_it) {
    return std::floor(std::exp(std::uniform_real_distribution<>(0, std::log(most_of_it))(random)));
  };
  for (const Work& price : {Work{1, 0, 0}, Work{0, 1, 0}, Work{0, 0, 1}, Work{1, 3, 0.01},
                            Work{0.1, 3, 0.001}, Work{0, 3, 0.01}}) {
    const double bound_s = least_s(latency, most, price);
    CHECK(bound_s > 0);
    double found_s = 1e300;
    for (int i = 0; i < 5000; ++i) {
      BatchShape shape;
      const int kind = i % 3;
      if (kind != 1) {
        shape.prefill_tokens = static_cast<std::uint32_t>(up_to(most.prompt_tokens));
        shape.prompts = static_cast<std::uint32_t>(up_to(shape.prefill_tokens));
        const double each = 1.0 * shape.prefill_tokens / shape.prompts;
        shape.prefill_pairs = shape.prefill_tokens * (each + 2 * up_to(4000) - 2);
      }
      if (kind != 0) {
        shape.decodes = static_cast<std::uint32_t>(up_to(most.decodes));
        const double each = std::uniform_real_distribution<>(20, 5000)(random);
        shape.kv_tokens =
            std::min<std::int64_t>(most.kv_tokens, std::llround(shape.decodes * each));
        if (static_cast<double>(shape.kv_tokens) < 20.0 * shape.decodes) continue;
      }
      const Work work{1.0 * shape.prefill_tokens, 1.0 * shape.decodes,
                      static_cast<double>(shape.kv_tokens)};
      if (price * work == 0) continue;
      found_s = std::min(found_s, latency.cost(shape).first_s / (price * work));
    }
    CHECK(bound_s <= found_s);
    CHECK(bound_s > 0.5 * found_s);
  }
}

Scenario scenario_with(const Json& changes) { return read_scenario(scenario_of(changes)); }

/// Ten requests of 100 tokens, one a second from 0 s on, that get 11.
Json ten_requests(const Json& limits) {
  Json rows = Json::array();
  for (int i = 0; i < 10; ++i) rows.push_back({i, 100, 11});
  return {{"workload", {{"trace", rows}}},
          {"slo", {{"limits", limits}}},
          {"results", {{"warmup_s", 0}}}};
}

double due_per_s(const Json& changes, const Work& price, double longer = 1) {
  return DueWork(scenario_with(changes), longer).least_per_s(price);
}

Json split(const char* scheduler, const char* trace, double rate_rps) {
  return {{"llm", "llama2-70b"},
          {"workload", {{"trace", trace}, {"rate_rps", rate_rps}, {"duration_s", 60}}},
          {"scheduler", {{"policy", scheduler}}},
          {"pools",
           {{{"role", "prompt"}, {"machine", "dgx-h100"}, {"count", 1}},
            {{"role", "token"}, {"machine", "dgx-h100"}, {"count", 1}}}}};
}

double share(const Json& changes, const std::vector<std::uint32_t>& machines) {
  const Scenario scenario = scenario_with(changes);
  return Capacity(scenario, DueWork(scenario, 1)).share(machines);
}

}  // namespace

TEST_CASE("least time: of work that takes longer evenly, that of the fullest batch") {
  const IterationLimits most{1000, 100, 50'000, 10, 2000};
  const auto near = [&](const Work& price, double expected_s) {
    const double found_s = least_s(Even(), most, price);
    CHECK(found_s <= expected_s);
    CHECK(found_s >= 0.93 * expected_s);
  };
  near({1, 0, 0}, (1 + 10) / 1000.0);
  near({0, 1, 0}, (1 + 10 + 1) / 100.0);
  // 50,000 tokens are those of 25 sequences at least.
  near({0, 0, 1}, (1 + 2.5 + 50) / 50'000.0);
  near({1, 10, 0}, (1 + 10 + 10 + 1) / (1000 + 1000.0));
}

TEST_CASE("least time: no batch of any latency is faster, and some is nearly as fast") {
  for (const char* llm : {"llama2-70b", "bloom-176b"}) {
    const Group group(llm);
    for (const char* policy : {"auto", "fitted", "roofline"}) {
      INFO(llm << ", " << policy);
      check_that_nothing_is_faster(*group.latency(policy));
    }
  }
  for (const char* llm : {"llama3-70b", "deepseek-v3", "gpt-oss-120b"}) {
    INFO(llm);
    check_that_nothing_is_faster(*Group(llm).latency("engine"));
  }
}

TEST_CASE("least time: iterations of both phases, or beyond captured graphs, may be slowed alone") {
  const Group group("llama2-70b");
  for (const double factor : {0.5, 1.1}) {
    check_that_nothing_is_faster(*with_mixed_factor(group.latency("fitted"), factor, factor > 1));
  }
  check_that_nothing_is_faster(*with_cuda_graphs(group.latency("fitted"), {8, 64, 128}, 0.02));
}

TEST_CASE("least time: nobody knows where more can take less, as in medians") {
  Group group("llama2-70b");
  const IterationLimits most{1000, 100, 50'000, 10, 2000};
  CHECK(least_s(*group.latency("published"), most, {1, 0, 0}) == 0);
  CHECK(least_s(*group.latency("fitted"), most, {1, 0, 0}) > 0);
  LatencyProfile falls = *find_latency_profile("llama2-70b_h100-80gb_tp8");
  falls.decode.by_sequences = PiecewiseLinear({1, 64}, {0.05, 0.04});
  group.own = {falls};
  CHECK(least_s(*group.latency("fitted"), most, {0, 1, 0}) == 0);
}

TEST_CASE("due work: all that is measured but for what the percentile spares, by its limit") {
  // P90 of ten spares two. The last of the other eight is due 2 s (1.001 times) after 9 s.
  const Json e2e = ten_requests({{"e2e", {{"p90", 2}}}});
  CHECK(due_per_s(e2e, {1, 0, 0}) == Approx(800 / 11.002));
  CHECK(due_per_s(e2e, {0, 1, 0}) == Approx(80 / 11.002));
  // Decodes of a request read 101 to 110 tokens.
  CHECK(due_per_s(e2e, {0, 0, 1}) == Approx(8 * 1055 / 11.002));
  CHECK(due_per_s(e2e, {1, 2, 0}) == Approx(960 / 11.002));
  // Everything takes twice as long: within 1 s.
  CHECK(due_per_s(e2e, {1, 0, 0}, 2) == Approx(800 / 10.001));
}

TEST_CASE("due work: first tokens need prompts; with the gaps between tokens, all is due") {
  const Json ttft = ten_requests({{"ttft", {{"p90", 2}}}});
  CHECK(due_per_s(ttft, {1, 0, 0}) == Approx(800 / 11.002));
  CHECK(due_per_s(ttft, {0, 1, 0}) == 0);
  // Ten gaps of 0.1 s; those spared may be others for each limit.
  const Json both = ten_requests({{"ttft", {{"p90", 2}}}, {"tpot", {{"p90", 0.1}}}});
  CHECK(due_per_s(both, {0, 1, 0}) == Approx(60 / (9 + 3 * 1.001)));
  CHECK(due_per_s(ten_requests({{"tpot", {{"p90", 0.1}}}}), {0, 1, 0}) == 0);
}

TEST_CASE("due work: prompts that may be cached need not be computed") {
  Json e2e = ten_requests({{"e2e", {{"p90", 2}}}});
  e2e["batching"] = {{"policy", "vllm"}};
  CHECK(due_per_s(e2e, {1, 0, 0}) > 0);
  e2e["kv_cache"] = {{"prefix_caching", true}};
  CHECK(due_per_s(e2e, {1, 0, 0}) == 0);
  CHECK(due_per_s(e2e, {0, 1, 0}) > 0);
}

TEST_CASE("due work: nothing is known where replies decide who comes, or some are sent away") {
  Json closed = split("kv_jsq", "azure-2023-conv", 40);
  CHECK(due_per_s(closed, {1, 1, 0}) > 0);
  closed["workload"]["concurrency"] = 4;
  CHECK(due_per_s(closed, {1, 1, 0}) == 0);
  Json shed = split("kv_jsq", "azure-2023-conv", 40);
  shed["classes"] = {{{"name", "all"}, {"share", 1}}};
  CHECK(due_per_s(shed, {1, 1, 0}) > 0);
  shed["classes"][0]["admission"] = {{"rate_rps", 1}, {"burst", 1}};
  CHECK(due_per_s(shed, {1, 1, 0}) == 0);
}

TEST_CASE("capacity: a pool that nobody helps has to carry its phase alone") {
  const auto tokens = [](const char* scheduler) {
    return split(scheduler, "azure-2023-conv", 150);
  };
  const double of_tokens = share(tokens("kv_jsq"), {50, 1});
  CHECK(of_tokens < 1);
  CHECK(share(tokens("kv_jsq"), {100, 1}) == Approx(of_tokens));
  CHECK(share(tokens("kv_jsq"), {100, 2}) == Approx(2 * of_tokens));
  const auto prompts = [](const char* scheduler) {
    return split(scheduler, "azure-2023-code", 60);
  };
  const double of_prompts = share(prompts("kv_jsq"), {1, 50});
  CHECK(of_prompts < 1);
  CHECK(share(prompts("kv_jsq"), {1, 100}) == Approx(of_prompts));
  // The paper's scheduler lends machines.
  CHECK(share(tokens("mixed_pool"), {50, 1}) > 1);
  CHECK(share(prompts("mixed_pool"), {1, 50}) > 1);
  CHECK(share(prompts("mixed_pool"), {1, 1}) < 1);
  // So does one whose machines can be out.
  Json out = prompts("kv_jsq");
  out["faults"] = {{{"at_s", 1}, {"action", "stop"}, {"machine", 0}}};
  CHECK(share(out, {1, 50}) > 1);
}

TEST_CASE("capacity: prompts take the machines that they take one by one") {
  Json rows = Json::array();
  for (int i = 0; i < 6000; ++i) rows.push_back({i / 60.0, 1500, 1});
  const Json prompts{{"llm", "llama2-70b"},
                     {"workload", {{"trace", rows}}},
                     {"scheduler", {{"policy", "token_jsq"}}},
                     {"slo", {{"limits", {{"e2e", {{"p99", 2}}}}}}},
                     {"results", {{"warmup_s", 0}}},
                     {"pools", {{{"role", "mixed"}, {"machine", "dgx-h100"}, {"count", 1}}}}};
  const double machines = 60 * prompt_s(*Group("llama2-70b").latency("fitted"), 1500);
  const double bound = 1 / share(prompts, {1});
  CHECK(bound < machines);
  CHECK(bound > 0.8 * machines);
}

TEST_CASE("capacity: a plan does not simulate what cannot carry its load, which would break") {
  Json traffic = split("kv_jsq", "azure-2023-conv", 40);
  traffic["llm"] = "bloom-176b";
  const Json whole{{"machine", "dgx-h100"}, {"tensor_parallel", 8}};
  const Json design{{"name", "split"},
                    {"prompt", whole},
                    {"token", whole},
                    {"scheduler", "kv_jsq"},
                    {"most", 40}};
  const Json plan{{"scenario", {{"llm", traffic["llm"]}, {"workload", traffic["workload"]}}},
                  {"minimize", "machines"},
                  {"seeds", {1}},
                  {"designs", {design}}};
  const Json answer = find_plan(read_plan(plan, "plan"), 2, [](std::size_t) {});
  REQUIRE_FALSE(answer["optimum"].is_null());
  std::size_t beyond = 0;
  for (const Json& each : answer["candidates"]) {
    if (each["duration_s"] > 0) continue;
    ++beyond;
    CHECK(each["breaks"] == Json{"capacity"});
    CHECK(each["margin"].is_null());
    Json cluster = traffic;
    cluster["workload"]["rate_rps"] = each["rate_rps"];
    cluster["workload"]["seed"] = 1;
    for (const int pool : {0, 1}) cluster["pools"][pool]["count"] = each["counts"][pool];
    INFO(each["counts"].dump());
    CHECK_FALSE(see(cluster).summary["slo"]["holds"].get<bool>());
  }
  CHECK(beyond >= 1);
  CHECK(answer["candidates"].size() - beyond <= answer["simulations"]);
}

TEST_CASE("capacity: where no cluster within the budget can carry the load, a plan says so") {
  const Json plan{
      {"scenario",
       {{"llm", "llama2-70b"},
        {"workload", {{"trace", "azure-2023-conv"}, {"rate_rps", 90}, {"duration_s", 60}}}}},
      {"minimize", "machines"},
      {"seeds", {1}},
      {"designs",
       {{{"name", "one"},
         {"mixed", {{"machine", "dgx-h100"}, {"tensor_parallel", 8}}},
         {"most", 2}}}}};
  const Json answer = find_plan(read_plan(plan, "plan"), 1, [](std::size_t) {});
  CHECK(answer["optimum"].is_null());
  CHECK(answer["simulations"] == 0);
  const auto why = answer["infeasible"][0]["why"].get<std::string>();
  CHECK(why.starts_with("computes at most "));
  CHECK(why.ends_with(
      " % of its load in time even with 2 machines, the nearest to holding that was tried"));
}

}  // namespace cleave
