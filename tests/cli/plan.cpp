// cleave plan, as its users see it.

#include <algorithm>
#include <cmath>

#include "sim/base/json_reader.h"
#include "tests/catch.h"
#include "tests/cli/run_cleave.h"

namespace cleave {

using namespace testing;

namespace {

/// The answer to a plan that has one.
Json planned(const std::string& plan) {
  const TempFolder folder;
  const Outcome outcome = run_cleave({"plan", folder.write("plan.json", plan), "--json"});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  Json answer = Json::parse(outcome.out);
  REQUIRE_FALSE(answer["optimum"].is_null());
  return answer;
}

}  // namespace

TEST_CASE(
    "plan: the cheapest Splitwise-HH for 70 requests/s of coding costs what the paper's does") {
  const Outcome outcome = run_cleave({"plan", "hh-code-70", "--json"});
  REQUIRE(outcome.exit_code == 0);
  const Json plan = Json::parse(outcome.out);
  CHECK(plan["optimum"]["cost_per_hour"] == 30 * 38);
  // The paper's own 27 + 3 machines are one of the splits that do it.
  CHECK(std::any_of(plan["ties"].begin(), plan["ties"].end(), [](const Json& tie) {
    return tie["pools"][0]["count"] == 27 && tie["pools"][1]["count"] == 3;
  }));
  // At most 5 % of the 39 x 39 clusters.
  CHECK(plan["candidates"].size() <= 76);
  for (const Json& change : plan["headroom"]) CHECK_FALSE(change["breaks"].empty());
}

TEST_CASE("plan: the answer does not depend on how many simulations run at a time") {
  const TempFolder folder;
  const std::string designs = R"("designs": [
      {"name": "mixed", "mixed": "dgx-h100", "most": 12},
      {"name": "split", "prompt": "dgx-h100", "token": "dgx-a100", "most": 12}],
    "scenario": {"workload": {"trace": "azure-2023-conv", "rate_rps": 10, "duration_s": 20}})";
  for (const std::string goal :
       {R"("minimize": "cost")", R"("maximize": "throughput", "budget": {"power_w": 100000})"}) {
    INFO(goal);
    const std::string spec = folder.write("plan.json", "{" + goal + ", " + designs + "}");
    const Outcome one = run_cleave({"plan", spec, "--json", "-j", "1"});
    REQUIRE(one.exit_code == 0);
    for (const char* parallel : {"2", "7"}) {
      CHECK(run_cleave({"plan", spec, "--json", "-j", parallel}).out == one.out);
    }
    const Json plan = Json::parse(one.out);
    CHECK(plan["designs"].size() == 2);
    CHECK_FALSE(plan["headroom"].back()["breaks"].empty());
  }
  CHECK(run_cleave({"plan", "hh-code-70", "-j", "0"}).exit_code == 2);
}

TEST_CASE("plan: says what it takes to be sure where latencies are estimated") {
  const auto plan_of = [](const Json& changes, double rate_rps, double shorter) {
    Json plan = Json::parse(R"({
      "scenario": {"llm": "llama3-70b", "weights": {"format": "fp8"}, "latency": {"engine": "vllm"},
        "workload": {"prompt_tokens": 1024, "output_tokens": 128, "arrivals": "poisson",
                     "duration_s": 30}},
      "minimize": "cost", "seeds": [1],
      "designs": [{"name": "h100", "mixed": {"machine": "dgx-h100", "tensor_parallel": 2},
                   "most": 12}]})");
    plan["scenario"]["workload"]["rate_rps"] = rate_rps;
    plan["scenario"]["slo"] = {
        {"limits", {{"ttft", {{"p90", 2 / shorter}}}, {"tpot", {{"p90", 0.05 / shorter}}}}}};
    plan.merge_patch(changes);
    return planned(plan.dump());
  };
  const Json plan = plan_of({{"confidence", 0.99}}, 60, 1);
  const Json& sure = plan["sure"];
  CHECK(sure["confidence"] == 0.99);
  CHECK(sure["longer"].get<double>() ==
        Approx(std::pow(1 + sure["tpot_error"].get<double>(), std::log2(0.5 / 0.01))));
  CHECK(sure["optimum"]["machines"] > plan["optimum"]["machines"]);
  CHECK(sure["optimum"]["rate_rps"] == 60);
  // In another unit of time it is the plan for more traffic under shorter limits.
  const double longer = sure["longer"].get<double>();
  const Json other = plan_of({{"confidence", 0.5}}, 60 * longer, longer);
  CHECK(other["optimum"]["pools"] == sure["optimum"]["pools"]);
  CHECK(other["sure"].is_null());
  CHECK(plan_of(Json::object(), 60, 1)["sure"]["confidence"] == 0.9);
  // Nothing is asked of latencies that were measured.
  CHECK(planned(R"({"minimize": "power", "seeds": [1],
    "scenario": {"workload": {"trace": "azure-2023-conv", "rate_rps": 4, "duration_s": 20}},
    "designs": [{"name": "m", "mixed": {"machine": "dgx-h100", "tensor_parallel": 8}}]})")["sure"]
            .is_null());
}

TEST_CASE("plan: --out keeps the question, the answer and all that was simulated") {
  const TempFolder folder;
  const std::string spec = folder.write("spec.json", R"({
    "scenario": {"workload": {"trace": "azure-2023-conv", "rate_rps": 4, "duration_s": 20}},
    "minimize": "power", "budget": {"cost_per_hour": 500}, "seeds": [1, 2],
    "designs": [{"name": "mixed", "mixed": "dgx-h100", "most": 8}]})");
  const std::string file = folder.path("answer.json");
  const Outcome outcome = run_cleave({"plan", spec, "--out", file});
  CHECK(outcome.exit_code == 0);
  CHECK(contains(outcome.out, "Answer in " + file));
  const Json plan = parse_json(folder.read("answer.json"), "answer");
  CHECK(plan["kind"] == "plan");
  CHECK(plan["goal"] == "power");
  CHECK(plan["budget"] == Json{{"cost_per_hour", 500}});
  CHECK(plan["scenario"]["workload"]["rate_rps"] == 4);
  CHECK_FALSE(plan["scenario"].contains("pools"));
  CHECK(plan["slo"]["holds"] == true);
  // The answer is the best of its design, and the smallest of the candidates that hold.
  CHECK(plan["designs"] == Json::array({plan["optimum"]}));
  double least = 1e300;
  for (const Json& candidate : plan["candidates"]) {
    if (candidate["breaks"].empty() && candidate["rate_rps"] == 4) {
      least = std::min(least, candidate["provisioned_w"].get<double>());
    }
  }
  CHECK(plan["optimum"]["provisioned_w"] == least);
  const Outcome page = run_cleave({"report", file, "-o", folder.path("page.html")});
  CHECK(page.exit_code == 0);
  CHECK(contains(folder.read("page.html"), "\"kind\":\"plan\""));

  folder.write("broken.json", R"({"kind": "plan", "scenario": {"workload": {}}, "budget": {}})");
  const Outcome broken =
      run_cleave({"report", folder.path("broken.json"), "-o", folder.path("no.html")});
  CHECK(broken.exit_code == 2);
  CHECK(contains(broken.err, "broken.json: seeds"));
}

TEST_CASE("plan: a low rate that breaks by chance does not hide a high one that holds") {
  // 60 s at 24 requests/s look like overload under the first seed.
  const TempFolder folder;
  const std::string spec = folder.write("plan.json", R"({
    "presets": ["splitwise-sim"], "seeds": [1],
    "scenario": {"workload": {"trace": "azure-2023-conv", "rate_rps": 70, "duration_s": 60}},
    "maximize": "throughput", "budget": {"power_w": 440000},
    "designs": [{"name": "AA", "prompt": "dgx-a100", "token": "dgx-a100", "most": 80}]})");
  const Outcome outcome = run_cleave({"plan", spec, "--json"});
  REQUIRE(outcome.exit_code == 0);
  CHECK(Json::parse(outcome.out)["optimum"]["rate_rps"] > 100);
}

TEST_CASE("plan: what cannot be met is named") {
  const TempFolder folder;
  const std::string spec = folder.write("plan.json", R"({
    "scenario": {"workload": {"trace": "azure-2023-conv", "rate_rps": 70, "duration_s": 30}},
    "minimize": "machines",
    "designs": [{"name": "small", "prompt": "dgx-h100", "token": "dgx-h100", "most": 2}]})");
  const Outcome outcome = run_cleave({"plan", spec});
  CHECK(outcome.exit_code == 4);
  CHECK(contains(outcome.out, "Infeasible: small: computes at most "));
  const Json plan = Json::parse(run_cleave({"plan", spec, "--json"}).out);
  CHECK(plan["optimum"].is_null());
  const auto why = plan["infeasible"][0]["why"].get<std::string>();
  CHECK(contains(why, "even with 2 + 2 machines, the nearest to holding"));
}

TEST_CASE("plan: ties keep the budget too") {
  // Splits that cost as much and have more margin draw more.
  const TempFolder folder;
  for (const double budget_w : {144000, 147000, 160000}) {
    const Json spec = {
        {"scenario",
         {{"workload", {{"trace", "azure-2023-conv"}, {"rate_rps", 30}, {"duration_s", 120}}}}},
        {"minimize", "cost"},
        {"budget", {{"power_w", budget_w}}},
        {"seeds", {1}},
        {"designs",
         {{{"name", "HHcap"}, {"prompt", "dgx-h100"}, {"token", "dgx-h100-cap70"}, {"most", 40}}}}};
    const Outcome outcome = run_cleave({"plan", folder.write("plan.json", spec.dump()), "--json"});
    REQUIRE(outcome.exit_code == 0);
    const Json plan = Json::parse(outcome.out);
    if (plan["optimum"].is_null()) continue;
    CHECK(plan["optimum"]["provisioned_w"] <= budget_w);
    for (const Json& tie : plan["ties"]) CHECK(tie["provisioned_w"] <= budget_w);
  }
}

TEST_CASE("plan: the answer is verified in a run of twenty times E2E P99, and the next is taken") {
  // 15 s show a cluster that is still filling.
  const std::string spec = R"({
    "scenario": {"workload": {"trace": "azure-2023-conv", "rate_rps": 12, "duration_s": 15}},
    "minimize": "cost", "seeds": [1, 2],
    "designs": [{"name": "mixed", "mixed": "dgx-h100", "most": 20},
                {"name": "tiny", "mixed": "dgx-a100", "most": 1}]})";
  const Json plan = planned(spec);
  const Json& optimum = plan["optimum"];
  CHECK(optimum["verified"]["duration_s"] >= 200);
  CHECK(optimum["verified"]["seeds"] == 2);
  const bool next =
      std::any_of(plan["candidates"].begin(), plan["candidates"].end(), [&](const Json& candidate) {
        return candidate["design"] == "mixed" && !candidate["breaks"].empty() &&
               candidate["duration_s"] > 15 && candidate["machines"] < optimum["machines"];
      });
  CHECK(next);
  Json scenario = plan["scenario"];
  scenario["pools"] = optimum["pools"];
  scenario["scheduler"]["policy"] = optimum["scheduler"];
  scenario["workload"]["duration_s"] = optimum["verified"]["duration_s"];
  const TempFolder folder;
  double output_tokens = 0;
  for (const int seed : {1, 2}) {
    scenario["workload"]["seed"] = seed;
    const Outcome run = run_cleave({"run", folder.write("s.json", scenario.dump()), "--json"});
    REQUIRE(run.exit_code == 0);
    const Json summary = Json::parse(run.out);
    CHECK(summary["slo"]["holds"] == true);
    CHECK(summary["steady"]["overload"] == false);
    output_tokens += summary["tokens"]["output"].get<double>() /
                     summary["requests"]["completed"].get<double>() / 2;
  }
  // 12 requests/s, each with so many tokens.
  CHECK(optimum["cost_per_million_output_tokens"].get<double>() ==
        Approx(optimum["cost_per_hour"].get<double>() / (3600 * 12 * output_tokens) * 1e6));
  const Outcome text = run_cleave({"plan", folder.write("plan.json", spec)});
  CHECK(contains(text.out, "Verified: every limit holds"));
  CHECK(contains(text.out, "with each"));
  CHECK(contains(text.out, "of 2 seeds"));
  CHECK(contains(text.out, "Infeasible: tiny: computes at most"));
}

TEST_CASE("plan: a design names its scheduler, and the answer says which was used") {
  const auto scheduler_of = [](const std::string& design, const std::string& scenario) {
    const Json plan = planned(R"({"minimize": "machines", "seeds": [1],
      "scenario": {"workload": {"trace": "azure-2023-code", "rate_rps": 2, "duration_s": 10})" +
                              scenario + R"(}, "designs": [{"name": "one", )" + design + "}]}");
    return plan["optimum"]["scheduler"].get<std::string>();
  };
  const std::string one = R"("mixed": "dgx-h100", "most": 8)";
  const std::string two = R"("prompt": "dgx-h100", "token": "dgx-h100", "most": 4)";
  const std::string jsq = R"(, "scheduler": {"policy": "jsq"})";
  CHECK(scheduler_of(one, "") == "token_jsq");
  CHECK(scheduler_of(two, "") == "mixed_pool");
  CHECK(scheduler_of(one, jsq) == "jsq");
  CHECK(scheduler_of(one + R"(, "scheduler": "round_robin")", jsq) == "round_robin");
  CHECK(scheduler_of(two + R"(, "scheduler": "kv_jsq")", "") == "kv_jsq");
}

TEST_CASE("plan: an unknown price is asked for where it counts, and else is unknown") {
  const std::string design = R"(, "seeds": [1],
    "scenario": {"llm": "llama2-13b", "workload": {"trace": "azure-2023-conv", "rate_rps": 0.5,
      "duration_s": 20}, "slo": {"limits": {"tpot": {"p50": 1}}}},
    "designs": [{"name": "RTX", "mixed": "8x-rtx-2080-ti", "most": 20}]})";
  const Json plan = planned(R"({"minimize": "power")" + design);
  CHECK(plan["optimum"]["cost_per_hour"].is_null());
  CHECK(plan["optimum"]["cost_per_million_output_tokens"].is_null());
  CHECK(plan["optimum"]["gpus"] == plan["optimum"]["machines"].get<double>() * 8);
  const TempFolder folder;
  for (const char* goal :
       {R"({"minimize": "cost")", R"({"minimize": "power", "budget": {"cost_per_hour": 10})"}) {
    const Outcome asks = run_cleave({"plan", folder.write("plan.json", goal + design)});
    CHECK(asks.exit_code == 2);
    CHECK(contains(asks.err, "designs[0].mixed.price_per_hour: is missing"));
  }
}

TEST_CASE("plan: designs side by side with batching of their own, and three pools") {
  const TempFolder folder;
  const std::string spec = folder.write("plan.json", R"({
    "scenario": {"llm": "llama2-70b",
                 "workload": {"trace": "azure-2023-conv", "rate_rps": 8, "duration_s": 20}},
    "minimize": "cost", "seeds": [1],
    "designs": [
      {"name": "mixed", "mixed": "dgx-h100", "most": 6, "batching": {"policy": "vllm"}},
      {"name": "split", "prompt": "dgx-h100", "token": "dgx-h100", "most": 6,
       "batching": {"policy": "splitwise", "max_prompt_tokens": 4096}},
      {"name": "three", "prompt": "dgx-h100", "token": ["dgx-h100", "dgx-a100"], "most": 6}]})");
  const Outcome text = run_cleave({"plan", spec});
  for (const char* words : {"$/M output", "$ per million output tokens", "GPUs", " tp"}) {
    CHECK(contains(text.out, words));
  }
  const std::string file = folder.path("answer.json");
  REQUIRE(run_cleave({"plan", spec, "--out", file}).exit_code == 0);
  const Json plan = parse_json(folder.read("answer.json"), "answer");
  REQUIRE(plan["designs"].size() == 3);
  CHECK(plan["designs"][0]["settings"] == Json{{"batching", {{"policy", "vllm"}}}});
  CHECK(plan["designs"][1]["settings"]["batching"]["max_prompt_tokens"] == 4096);
  CHECK(plan["designs"][2]["settings"].empty());
  CHECK(plan["designs"][2]["pools"].size() == 3);
  for (const Json& design : plan["designs"]) {
    CHECK(design["cost_per_million_output_tokens"] > 0);
    for (const Json& pool : design["pools"]) CHECK(pool.contains("tensor_parallel"));
  }
  const bool named =
      std::any_of(plan["candidates"].begin(), plan["candidates"].end(), [](const Json& candidate) {
        return candidate["roles"] == Json{"prompt", "token dgx-h100", "token dgx-a100"};
      });
  CHECK(named);
  CHECK(run_cleave({"report", file, "-o", folder.path("page.html")}).exit_code == 0);
}

TEST_CASE("plan: degrees that cannot be are one sentence and exit code 2") {
  const TempFolder folder;
  const auto fails = [&](const std::string& design, const std::string& words) {
    const Outcome outcome =
        run_cleave({"plan", folder.write("plan.json", R"({"minimize": "cost", "scenario":
          {"llm": "llama2-70b"}, "designs": [{"name": "x", )" +
                                                          design + "}]}")});
    CHECK(outcome.exit_code == 2);
    INFO(outcome.err);
    CHECK(contains(outcome.err, words));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') <= 4);
  };
  const auto mixed = [](const std::string& settings) {
    return R"("mixed": {"machine": "dgx-h100", )" + settings + "}";
  };
  fails(mixed(R"("tensor_parallel": [])"), "designs[0].mixed.tensor_parallel: expected at least");
  fails(mixed(R"("tensor_parallel": [8, 8])"), "tensor_parallel[1]: expected each number once");
  fails(mixed(R"("tensor_parallel": [4, 16])"), "mixed.tensor_parallel[1]");
  fails(mixed(R"("tensor_parallel": [4, 3])"),
        "designs[0].mixed.tensor_parallel: expected a divisor of the 64 attention heads of "
        "llama2-70b, found 3");
  fails(mixed(R"("tensor_parallel": 6)"), "expected a divisor of the 64 attention heads");
  fails(mixed(R"("tensor_parallel": [8, 1])"), "designs[0].mixed.machine: ");
  fails(mixed(R"("pipeline_parallel": [])"), "mixed.pipeline_parallel: expected at least one");
  fails(mixed(R"("tensor_parallel": 8, "pipeline_parallel": [1, 2])"), "designs[0].mixed.");
  fails(R"("prompt": "dgx-h100", "token": ["dgx-h100", "8x-rtx-2080-ti"])",
        "designs[0].token[1].machine: ");
  fails(R"("prompt": "dgx-h100", "token": [])", "designs[0].token: expected at least one pool");
  fails(R"("prompt": "dgx-h100")", "none takes the token phase");
  fails(R"("most": 5)", "designs[0].mixed: is missing");
  fails(R"("mixed": "dgx-h100", "batching": {"policy": "vlm"})", "did you mean \"vllm\"");
  fails(R"("mixed": "dgx-h100", "workload": {})", "designs[0]: unknown key \"workload\"");
}

TEST_CASE("plan: bad input is one sentence and exit code 2") {
  const TempFolder folder;
  const auto fails = [&](const std::string& text, const std::string& words) {
    const Outcome outcome = run_cleave({"plan", folder.write("plan.json", text)});
    CHECK(outcome.exit_code == 2);
    INFO(outcome.err);
    CHECK(contains(outcome.err, words));
  };
  fails("{}", "minimize");
  fails(R"({"minimize": "cots", "designs": []})", "did you mean \"cost\"");
  fails(R"({"minimize": "cost", "designs": []})", "designs");
  fails(R"({"minimize": "cost", "designs": [{"name": "x", "mixed": "dgx-h10"}]})", "dgx-h100");
  fails(R"({"maximize": "throughput", "designs": [{"name": "x", "mixed": "dgx-h100"}]})", "budget");
  const std::string mixed = R"({"minimize": "cost", "designs": [{"name": "x", "mixed": "dgx-h100")";
  fails(mixed + R"(, "scheduler": "jsqq"}]})", "did you mean \"jsq\"");
  fails(mixed + R"(}], "seeds": [1, 1.5]})", "seeds[1]: expected a whole number, found 1.5");
  fails(mixed + R"(}], "seeds": [1, 2, 1]})", "seeds[2]: expected each number once");
  fails(mixed + R"(}], "scenario": {"workload": {"arrivals": "closed", "concurrency": 8,
                   "requests": 80}}})",
        "scenario.workload.concurrency: a plan needs requests that arrive at a rate");
  fails(mixed + R"(}], "scenario": {"workload": {"arrivals": "infinite", "requests": 80}}})",
        "scenario.workload.arrivals: a plan needs requests that arrive at a rate");
  CHECK(run_cleave({"plan", "hh-code-7"}).exit_code == 2);
}

}  // namespace cleave
