// What holds for every cluster and every workload.

#include <rapidcheck.h>

#include "sim/fabric/fabric.h"
#include "sim/machine/memory_policy.h"
#include "sim/scheduling/scheduler.h"
#include "sim/transfer/transfer_policy.h"
#include "tests/catch.h"
#include "tests/support/seen_run.h"

namespace cleave {

namespace {

Json random_scenario() {
  using rc::gen::inRange;
  const auto one_of = [](const std::vector<std::string>& names) {
    return *rc::gen::elementOf(names);
  };
  const bool llama = *rc::gen::arbitrary<bool>();
  const std::string type = one_of({"dgx-a100", "dgx-h100", "dgx-h100-cap70", "dgx-h200"});
  Json pools = Json::array();
  pools.push_back(pool("prompt", *inRange(1, 4), type.c_str()));
  pools.push_back(pool("token", *inRange(1, 4), one_of({"dgx-a100", "dgx-h100"}).c_str()));
  if (*rc::gen::arbitrary<bool>()) {
    const int stages = *inRange(1, 5);
    pools[1]["pipeline_parallel"] = stages;
    pools[1]["tensor_parallel"] = 8 / stages;
  }
  const std::string policy = one_of(Schedulers::names());
  if (policy.rfind("kv_", 0) != 0 && policy.rfind("overlap", 0) != 0 && policy != "mixed_pool") {
    for (Json& each : pools) each["role"] = "mixed";
  }
  Json faults = Json::array();
  const int machines = pools[0]["count"].get<int>() + pools[1]["count"].get<int>();
  for (int i = *inRange(0, 3); i > 0; --i) {
    const int machine = *inRange(0, machines);
    const int at_s = *inRange(0, 20);
    const int back_s = at_s + *inRange(1, 20);
    faults.push_back({{"at_s", at_s}, {"action", "stop"}, {"machine", machine}});
    faults.push_back({{"at_s", back_s}, {"action", "start"}, {"machine", machine}});
  }
  return {
      {"faults", faults},
      {"llm", llama ? "llama2-70b" : "bloom-176b"},
      {"weights", {{"format", one_of(format_names())}}},
      {"kv_cache",
       {{"grouped_query", *rc::gen::arbitrary<bool>()}, {"format", one_of(format_names())}}},
      {"workload",
       {{"trace", one_of({"azure-2023-code", "azure-2023-conv"})},
        {"arrivals", "poisson"},
        {"rate_rps", *inRange(1, 40)},
        {"duration_s", *inRange(5, 20)},
        {"seed", *inRange(0, 1000)}}},
      {"pools", pools},
      {"scheduler", {{"policy", policy}, {"output_length", one_of({"known", "mean"})}}},
      {"batching",
       {{"max_prompt_tokens", *inRange(256, 4096)},
        {"max_sequences", *inRange(1, 64)},
        {"max_preemptions", *inRange(1, 6)},
        {"memory", one_of(MemoryPolicies::names())}}},
      {"kv_transfer",
       {{"policy", one_of(TransferPolicies::names())}, {"admission", one_of({"wait", "poll"})}}},
      {"fabric", {{"topology", one_of(Fabrics::names())}, {"nic_gbps", *inRange(1, 400)}}}};
}

void check_request(const FinishedRequest& r) {
  RC_ASSERT(r.arrival_s <= r.prompt_start_s);
  RC_ASSERT(r.prompt_start_s < r.first_token_s);
  RC_ASSERT(r.first_token_s <= r.completion_s);
  if (r.output_tokens > 1) {
    RC_ASSERT(r.first_token_s <= r.token_start_s);
    RC_ASSERT(r.token_start_s < r.completion_s);
    RC_ASSERT(r.largest_gap_s * (r.output_tokens - 1) >=
              (r.completion_s - r.first_token_s) * (1 - 1e-9));
  }
  if (r.moved()) {
    RC_ASSERT(r.transfer_ready_s <= r.transfer_start_s);
    RC_ASSERT(r.transfer_start_s < r.transfer_end_s);
    RC_ASSERT(r.first_token_s <= r.transfer_end_s);
    RC_ASSERT(r.transfer_end_s <= r.token_start_s);
  }
}

}  // namespace

TEST_CASE("property: nothing is lost, memory holds, times ascend, all tokens are generated") {
  const bool holds = rc::check([] {
    const Json scenario = random_scenario();
    const SeenRun run = see(scenario);
    const Json& requests = run.requests();
    RC_ASSERT(requests["unfinished"] == 0);
    RC_ASSERT(requests["arrived"].get<std::size_t>() == run.finished.size() + run.rejected.size());
    double output = 0;
    std::uint64_t repeated = 0;
    for (const FinishedRequest& request : run.finished) {
      check_request(request);
      output += request.output_tokens;
      repeated += request.restarts + request.preemptions;
    }
    RC_ASSERT(run.tokens_generated() >= output);
    if (repeated == 0) RC_ASSERT(run.tokens_generated() == output);
    const Scenario read = read_scenario(scenario_of(scenario));
    std::size_t instance = 0;
    for (const PoolSpec& spec : read.pools) {
      for (std::uint32_t i = 0; i < spec.count; ++i, ++instance) {
        RC_ASSERT(run.most_memory_bytes[instance] <= spec.memory_bytes());
        RC_ASSERT(run.last_memory_bytes[instance] == read.llm.weight_bytes);
      }
    }
    RC_ASSERT(see(scenario).summary == run.summary);
  });
  CHECK(holds);
}

}  // namespace cleave
