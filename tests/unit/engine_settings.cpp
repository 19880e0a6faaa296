// Settings of an instance that today's engines have: captured graphs, speculative decoding, and the
// KV blocks that are left beside everything else.

#include "models/latency/cuda_graphs.h"
#include "sim/machine/sequences.h"
#include "sim/scenario/resolve.h"
#include "tests/catch.h"
#include "tests/support/fakes.h"
#include "tests/support/seen_run.h"
#include "tests/support/temp_folder.h"

namespace cleave {

namespace {

/// 10 ms and 1 ms a token of a sequence, 1 us a KV token.
class PerSequence : public LatencyModel {
 public:
  RunCost cost(const BatchShape& shape) const override {
    return {0.01 + 0.001 * (shape.decodes + shape.prefill_tokens) +
                1e-6 * static_cast<double>(shape.kv_tokens),
            1e-6 * shape.kv_growth};
  }
};

std::unique_ptr<LatencyModel> graphs(std::vector<std::uint32_t> sizes, double eager_s) {
  return with_cuda_graphs(std::make_unique<PerSequence>(), std::move(sizes), eager_s);
}

/// One instance on one GPU, closed loop.
Json one_gpu(const Json& batching) {
  return {{"llm", "llama3-8b"},
          {"pools",
           {{{"role", "mixed"},
             {"machine", "dgx-h100"},
             {"count", 1},
             {"tensor_parallel", 1},
             {"instances_per_machine", 1}}}},
          {"batching", batching},
          {"workload",
           {{"trace", nullptr},
            {"rate_rps", nullptr},
            {"duration_s", nullptr},
            {"prompt_tokens", 200},
            {"output_tokens", 401},
            {"arrivals", "closed"},
            {"concurrency", 4},
            {"requests", 40}}}};
}

std::int64_t kv_tokens(const Json& batching, const Json& kv_cache = Json::object()) {
  Json changes = one_gpu(batching);
  changes["kv_cache"] = kv_cache;
  return read_scenario(scenario_of(changes)).pools[0].kv.capacity_tokens;
}

}  // namespace

TEST_CASE("cuda graphs: decode batches cost as the next captured size, and grow as they are") {
  const auto latency = graphs({1, 2, 4, 8}, 0.005);
  const RunCost cost = latency->cost({0, 0, 0, 5, 1000, 5});
  CHECK(cost.first_s == Approx(0.01 + 0.008 + 0.001));
  CHECK(cost.growth_s == Approx(5e-6));
  CHECK(latency->cost({0, 0, 0, 8, 0, 8}).first_s == Approx(0.018));
}

TEST_CASE("cuda graphs: beyond the largest the host launches every kernel; prompts as before") {
  const auto latency = graphs({1, 8}, 0.005);
  CHECK(latency->cost({0, 0, 0, 9, 0, 9}).first_s == Approx(0.01 + 0.009 + 0.005));
  CHECK(latency->cost({100, 1e4, 0, 3, 0, 3}).first_s == Approx(0.01 + 0.103));
}

TEST_CASE("speculation: the mean of accepted tokens is that of the chain of chances") {
  const Speculation speculation{3, 0.7, false, 0, 0};
  CHECK(speculation.mean() == Approx(1 + 0.7 + 0.49 + 0.343));
  CHECK(speculation.iterations(0, 1, 1000) == 395);  // 1000 / 2.533, a part counting whole
  CHECK(Speculation{3, 0, false, 0, 0}.iterations(0, 1, 1000) == 1000);
  CHECK(Speculation{3, 1, false, 0, 0}.iterations(0, 1, 1000) == 250);
}

TEST_CASE("speculation: drawn by request, the mean is met, and the seed decides") {
  const Speculation speculation{4, 0.6, true, 0, 7};
  double sum = 0;
  constexpr int kRequests = 2000;
  for (int i = 0; i < kRequests; ++i) sum += speculation.iterations(i, 1, 500);
  // The last iteration may give more than is wanted: half of its tokens on average.
  CHECK(sum / kRequests == Approx(500 / speculation.mean()).epsilon(0.01));
  CHECK(speculation.iterations(5, 1, 500) == speculation.iterations(5, 1, 500));
  const Speculation other{4, 0.6, true, 0, 8};
  int same = 0;
  for (int i = 0; i < 200; ++i) {
    same += speculation.iterations(i, 1, 500) == other.iterations(i, 1, 500) ? 1 : 0;
  }
  CHECK(same < 40);
}

TEST_CASE("speculation: a sequence gets its tokens in whole ones, evenly, and all of them") {
  RequestTable requests;
  const RequestId id = requests.add();
  RequestState& state = requests[id];
  state.record.prompt_tokens = 100;
  state.record.output_tokens = 1 + 10;
  state.generated = 1;
  // Three accepted of four in every iteration: 10 tokens in three iterations.
  Sequences sequences(requests, {KvGrowth::Kind::kBlocks, {4}}, {3, 1, false, 0, 0});
  sequences.add(id);
  CHECK(sequences.until_end() == 3);
  CHECK(sequences.computed_tokens() == 4);
  CHECK(sequences.tokens() == Approx(10.0 / 3));
  CHECK(sequences.growth(3) == 12);  // 100 tokens fill 25 blocks; 110 need 28
  sequences.advance(2, 0.1, 0.1, 0.2);
  CHECK(sequences.generated(id) == 1 + 6);
  CHECK(sequences.kv_tokens() == 101 + 6);
  sequences.advance(1, 0.1, 0.1, 0.1);
  CHECK(sequences.ended() == id);
  sequences.remove(id, 0.3);
  CHECK(state.remaining() == 0);
  CHECK(state.held_tokens == 112);
}

TEST_CASE("speculation: tokens an iteration, iterations and the tokens of the run agree") {
  const Json plain{{"policy", "vllm"}, {"ignore_eos", true}};
  Json speculative = plain;
  speculative["speculative_tokens"] = 1;
  speculative["acceptance_rate"] = 1;
  const SeenRun one = see(one_gpu(plain));
  const SeenRun two = see(one_gpu(speculative));
  const auto decodes = [](const SeenRun& run) {
    double sum = 0;
    for (const Segment& each : run.segments) sum += 1.0 * each.decodes * each.iterations;
    return sum;
  };
  CHECK(decodes(one) == 40 * 400);
  CHECK(decodes(two) == 40 * 200);
  CHECK(two.tokens_generated() == Approx(40 * 401));
  CHECK(two.requests()["completed"] == 40);
}

TEST_CASE("kv blocks: what vLLM has left on an RTX 4090 is what it said there, within 2 %") {
  // Llama-3.1-8B in bf16, 2,048 tokens and 128 sequences an iteration, 0.9 of the memory: 2,588
  // blocks (LLMServingSim, pull request 59).
  Json changes =
      one_gpu({{"policy", "vllm"}, {"max_num_batched_tokens", 2048}, {"max_num_seqs", 128}});
  changes["pools"][0]["machine"] = "8x-rtx-4090";
  changes["kv_cache"] = {{"memory_fraction", 0.9}};
  const KvRoom kv = read_scenario(scenario_of(changes)).pools[0].kv;
  CHECK(kv.block_tokens == 16);
  CHECK(static_cast<double>(kv.capacity_tokens) / 16 == Approx(2588).epsilon(0.02));
}

TEST_CASE("kv blocks: each engine has its own size, and less room with a larger budget") {
  CHECK(kv_tokens({{"policy", "trtllm"}}) % 32 == 0);
  const Json small{{"policy", "vllm"}, {"max_num_batched_tokens", 2048}, {"max_num_seqs", 256}};
  const Json large{{"policy", "vllm"}, {"max_num_batched_tokens", 32'768}, {"max_num_seqs", 256}};
  CHECK(kv_tokens(large) < kv_tokens(small));
  CHECK(kv_tokens({{"policy", "vllm"}}, {{"memory_fraction", 0.8}}) <
        kv_tokens({{"policy", "vllm"}}));
  CHECK(kv_tokens({{"policy", "vllm"}}, {{"blocks", 1000}}) == 16'000);
  CHECK(kv_tokens({{"policy", "sglang"}}, {{"blocks", 1000}}) == 1000);
}

TEST_CASE("kv blocks: layers with a window keep the window, and the block that it moves into") {
  // 18 of 36 layers see 128 tokens, as in gpt-oss-120b.
  const KvBlocks blocks{16, 128, 0.5};
  CHECK(blocks.rounded(1) == 16);
  CHECK(blocks.rounded(100) == 112);
  CHECK(blocks.rounded(144) == 144);
  CHECK(blocks.rounded(160) == 152);  // 160 of half the layers, 144 of the others
  CHECK(blocks.rounded(10'000) == (10'000 + 144) / 2);
  // Every layer: nothing more than the window.
  CHECK(KvBlocks{16, 4096, 1}.rounded(100'000) == 4096 + 16);
}

TEST_CASE("kv blocks: a batch with windows takes what each of its members does, token by token") {
  RequestTable requests;
  const KvGrowth growth{KvGrowth::Kind::kBlocks, {16, 64, 0.75}};
  Sequences sequences(requests, growth, {});
  for (const std::uint32_t prompt : {3U, 60U, 79U, 80U, 500U}) {
    const RequestId id = requests.add();
    requests[id].record.prompt_tokens = prompt;
    requests[id].record.output_tokens = 300;
    requests[id].generated = 1;
    sequences.add(id);
  }
  for (const std::uint64_t iterations : {1, 2, 15, 16, 17, 100, 299}) {
    std::int64_t expected = 0;
    for (const std::uint32_t prompt : {3U, 60U, 79U, 80U, 500U}) {
      expected +=
          growth.rounded(prompt + static_cast<std::uint32_t>(iterations)) - growth.rounded(prompt);
    }
    CHECK(sequences.growth(iterations) == expected);
  }
}

TEST_CASE("kv blocks: a request with windows fits where all of its tokens would not") {
  // Long prompts of an LLM whose layers all see 256 tokens: 272 are kept of each.
  Json llm = Json::parse(R"({"summary": "a window in every layer", "source": "made up",
    "layers": 32, "hidden_size": 4096, "attention_heads": 32, "kv_heads": 8, "mlp_size": 14336, "mlp_matrices": 3,
    "vocabulary": 128256, "parameters": 8.03e9, "window_layers": 32, "window_tokens": 256})");
  const testing::TempFolder folder;
  folder.write("windows.json", llm.dump());
  Json changes = one_gpu({{"policy", "vllm"}});
  changes["llm"] = folder.path("windows.json");
  changes["latency"] = {{"policy", "roofline"}};
  changes["workload"]["prompt_tokens"] = 5000;
  changes["kv_cache"] = {{"blocks", 4 * 18}};
  const SeenRun run = see(changes);
  CHECK(run.requests()["rejected"] == 0);
  CHECK(run.requests()["completed"] == 40);
  changes["kv_cache"] = {{"blocks", 16}};
  CHECK(see(changes).requests()["rejected"] == 40);
}

TEST_CASE("slo: alone on the reference machine a request is as slow as its reference, KV and all") {
  Json changes = one_gpu({{"policy", "splitwise"}});
  changes["llm"] = "bloom-176b";
  changes["pools"] = {{{"role", "mixed"}, {"machine", "dgx-a100"}, {"count", 1}}};
  changes["workload"].update({{"prompt_tokens", 4000}, {"concurrency", 1}, {"requests", 2}});
  const SeenRun run = see(changes);
  for (const Json& limit : run.summary["slo"]["limits"]) {
    INFO(limit.dump());
    CHECK(limit["value"].get<double>() == Approx(1).epsilon(1e-6));
  }
}

TEST_CASE("engines: limits follow the GPU as the engines' own do") {
  const auto limits = [](const char* engine, const char* gpu) {
    return policy<BatchingPolicies>(engine)({load_gpu(gpu, "gpu")})->limits();
  };
  CHECK(limits("vllm", "h100-80gb").max_tokens == 8192);
  CHECK(limits("vllm", "h100-80gb").max_sequences == 1024);
  CHECK(limits("vllm", "a100-80gb").max_tokens == 2048);
  CHECK(limits("vllm", "l40s").max_sequences == 256);
  CHECK(limits("sglang", "rtx-4090").max_tokens == 2048);
  CHECK(limits("sglang", "l40s").max_tokens == 4096);
  CHECK(limits("sglang", "h100-80gb").max_tokens == 8192);
  CHECK(limits("sglang", "b200").max_tokens == 16'384);
  CHECK(limits("trtllm", "b200").max_sequences == 2048);
}

TEST_CASE("engines: settings that contradict each other, or mean nothing, end with a sentence") {
  using Catch::Matchers::Contains;
  const auto read = [](const Json& batching, const Json& kv_cache = Json::object()) {
    Json changes = one_gpu(batching);
    changes["kv_cache"] = kv_cache;
    return read_scenario(scenario_of(changes));
  };
  CHECK_THROWS_WITH(read({{"policy", "vllm"}, {"max_num_batched_tokens", 8}}),
                    Contains("computes less than a block"));
  CHECK_THROWS_WITH(
      read({{"policy", "vllm"}, {"max_num_batched_tokens", 64}, {"max_num_seqs", 65}}),
      Contains("no room for 65 sequences"));
  CHECK_THROWS_WITH(read({{"policy", "trtllm"}, {"max_num_tokens", 64}, {"max_batch_size", 65}}),
                    Contains("no room for 65 sequences"));
  CHECK_THROWS_WITH(read({{"policy", "trtllm"}, {"max_num_tokens", 31}}),
                    Contains("computes less than a block"));
  CHECK_THROWS_WITH(read({{"policy", "vllm"}, {"memory", "paged"}}), Contains("leave it out"));
  CHECK_THROWS_WITH(read({{"policy", "vllm"}, {"cuda_graph_sizes", {0, 8}}}),
                    Contains("cuda_graph_sizes[0]"));
  CHECK_THROWS_WITH(read({{"policy", "vllm"}, {"cuda_graph_sizes", Json::array()}}),
                    Contains("none are there"));
  CHECK_THROWS_WITH(read({{"policy", "vllm"}, {"cuda_graph_sizes", {1.5}}}),
                    Contains("whole numbers"));
  CHECK_THROWS_WITH(read({{"policy", "vllm"}, {"eager_s", 0.01}}), Contains("has no meaning"));
  Json ranked = one_gpu({{"policy", "vllm"}});
  ranked["workload"]["priority_shares"] = {0.2, 0.8};
  CHECK_THROWS_WITH(read_scenario(scenario_of(ranked)), Contains("nobody looks at priorities"));
  ranked["batching"]["scheduling_policy"] = "priority";
  CHECK(read_scenario(scenario_of(ranked)).workload.priority_shares.size() == 2);
  CHECK_THROWS_WITH(read({{"policy", "vllm"}, {"acceptance_rate", 0.7}}),
                    Contains("has no meaning without speculative_tokens"));
  CHECK_THROWS_WITH(read({{"policy", "vllm"}, {"speculative_tokens", 3}}),
                    Contains("acceptance_rate"));
  CHECK_THROWS_WITH(read({{"policy", "vllm"}}, {{"memory_fraction", 0.19}}),
                    Contains("too little"));
  CHECK_THROWS_WITH(read({{"policy", "sglang"}, {"schedule_policy", "lpm"}}), Contains("fcfs"));
}

TEST_CASE("kv blocks: groups of GPUs with sequences of their own each hold what one alone holds") {
  for (const char* policy : {"vllm", "trtllm", "sglang"}) {
    INFO(policy);
    Json groups = one_gpu({{"policy", policy}});
    const double alone =
        static_cast<double>(read_scenario(scenario_of(groups)).pools[0].kv.capacity_tokens);
    groups["pools"][0]["data_parallel"] = 4;
    const double all =
        static_cast<double>(read_scenario(scenario_of(groups)).pools[0].kv.capacity_tokens);
    CHECK(all / alone == Approx(4).epsilon(0.01));
  }
}

TEST_CASE("sglang: a prompt that memory holds by its windows alone begins") {
  const SeenRun run = see({{"llm", "gpt-oss-120b"},
                           {"workload", {{"trace", {{0, 476, 47}}}}},
                           {"pools", {pool("mixed", 1)}},
                           {"batching", {{"policy", "sglang"}}},
                           {"kv_cache", {{"blocks", 400}}},
                           {"results", {{"warmup_s", 0}}}});
  CHECK(run.finished.size() == 1);
}

}  // namespace cleave
