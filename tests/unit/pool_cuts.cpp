// Which tensor-parallel and pipeline-parallel degrees a plan tries for a pool.

#include "sim/explore/pool_cuts.h"

#include "sim/scenario/resolve.h"
#include "tests/catch.h"
#include "tests/support/temp_folder.h"

namespace cleave {

using namespace testing;

namespace {

/// {tensor_parallel, pipeline_parallel} of each.
using Degrees = std::vector<std::pair<int, int>>;

Degrees tried(const char* llm, const Json& pool, Json changes = Json::object()) {
  changes["llm"] = llm;
  Degrees all;
  for (const Json& cut : pool_cuts(pool, "pool", merge_scenario(default_scenario(), changes))) {
    CHECK(cut["machine"] == pool["machine"]);
    all.emplace_back(cut["tensor_parallel"], cut["pipeline_parallel"]);
  }
  return all;
}

Json on(const char* machine) { return {{"machine", machine}}; }

}  // namespace

TEST_CASE("pool cuts: the powers of two that hold the LLM, the largest first") {
  // Weights of 352, 138, 26 and 13.5 GB on GPUs of 86 and 12 GB.
  CHECK(tried("bloom-176b", on("dgx-h100")) == Degrees{{8, 1}});
  CHECK(tried("llama2-70b", on("dgx-h100")) == Degrees{{8, 1}, {4, 1}, {2, 1}});
  CHECK(tried("llama2-13b", on("dgx-h100")) == Degrees{{8, 1}, {4, 1}, {2, 1}, {1, 1}});
  CHECK(tried("llama2-13b", on("8x-rtx-2080-ti")) == Degrees{{8, 1}, {4, 1}});
  CHECK(tried("llama2-7b", on("8x-rtx-2080-ti")) == Degrees{{8, 1}, {4, 1}, {2, 1}});
}

TEST_CASE("pool cuts: those only that divide the attention heads") {
  // 28 heads.
  const Json own = {{"layers", 28},         {"hidden_size", 3584}, {"attention_heads", 28},
                    {"kv_heads", 4},        {"mlp_size", 18944},   {"mlp_matrices", 3},
                    {"vocabulary", 152064}, {"parameters", 7.6e9}};
  const TempFolder folder;
  const std::string llm = folder.write("own.json", own.dump());
  CHECK(tried(llm.c_str(), on("dgx-h100")) == Degrees{{4, 1}, {2, 1}, {1, 1}});
  // In FP16 15 GB of weights need two GPUs of 12 GB.
  CHECK(tried(llm.c_str(), on("8x-rtx-2080-ti")) == Degrees{{4, 1}, {2, 1}});
}

TEST_CASE("pool cuts: stages where the LLM does not fit without") {
  // 1.6 TB of weights with 20 heads: neither four GPUs nor one stage of eight hold 400 GB.
  const Json own = {{"layers", 80},        {"hidden_size", 10240}, {"attention_heads", 20},
                    {"kv_heads", 20},      {"mlp_size", 40960},    {"mlp_matrices", 2},
                    {"vocabulary", 32000}, {"parameters", 2e11}};
  const TempFolder folder;
  const std::string llm = folder.write("own.json", own.dump());
  CHECK(tried(llm.c_str(), on("dgx-h100")) == Degrees{{4, 2}});
}

TEST_CASE("pool cuts: degrees and stages that are listed") {
  Json pool = on("dgx-h100");
  pool["tensor_parallel"] = {2, 8, 4};
  CHECK(tried("llama2-70b", pool) == Degrees{{8, 1}, {4, 1}, {2, 1}});
  pool["tensor_parallel"] = {2, 4};
  pool["pipeline_parallel"] = {1, 2, 4};
  CHECK(tried("llama2-70b", pool) == Degrees{{4, 1}, {4, 2}, {2, 1}, {2, 2}, {2, 4}});
  pool["tensor_parallel"] = 4;
  pool["pipeline_parallel"] = 2;
  CHECK(tried("llama2-70b", pool) == Degrees{{4, 2}});
}

TEST_CASE("pool cuts: what nobody measured is refused where latencies are to be measured") {
  Json pool = on("dgx-h100");
  const Json measured = {{"latency", {{"policy", "fitted"}}}};
  CHECK(tried("llama2-70b", pool, measured) == Degrees{{8, 1}, {4, 1}, {2, 1}});
  pool["pipeline_parallel"] = 2;
  CHECK_THROWS_WITH(tried("llama2-70b", pool, measured), Catch::StartsWith("pool"));
}

TEST_CASE("pool cuts: no degree where instances_per_machine asks for more of them") {
  Json pool = on("dgx-h100");
  pool["instances_per_machine"] = 2;
  CHECK(tried("llama2-70b", pool) == Degrees{{4, 1}, {2, 1}});
}

TEST_CASE("pool cuts: a machine that holds it with no degree is refused") {
  CHECK_THROWS_WITH(tried("llama2-70b", on("8x-rtx-2080-ti")),
                    Catch::StartsWith("pool.machine: llama2-70b does not fit"));
}

}  // namespace cleave
