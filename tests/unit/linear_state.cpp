// Linear attention: a state of one size for each sequence, whatever its length, in the KV memory.

#include "sim/machine/state_memory.h"
#include "tests/catch.h"
#include "tests/support/policies.h"
#include "tests/support/seen_run.h"

namespace cleave {

namespace {

using Catch::Matchers::Contains;

// Of Qwen3.5 397B: 45 layers with a state of 64 x 128 x 128 numbers of 4 bytes and 3 x 12,288 of 2
// for the convolution; 15 layers with 2 x 256 numbers of 2 bytes for keys and as many for values.
constexpr double kStateBytes = 45 * (4.0 * 64 * 128 * 128 + 2.0 * 3 * 12288);
constexpr double kTokenBytes = 15 * 2 * (256 + 256) * 2;
// On 8 GPUs the two KV heads are kept four times, the heads of the state once.
constexpr double kTokenBytesOn8 = 4 * kTokenBytes;
constexpr double kStateBlocks = 98;  // 1,563 tokens, in blocks of 16

Json hybrid(const char* batching, const Json& requests, const Json& kv_cache = Json::object()) {
  return {{"llm", "qwen3.5-397b-a17b"},
          {"weights", {{"format", "fp8"}, {"experts", "fp8"}}},
          {"latency", {{"engine", "vllm"}}},
          {"batching", {{"policy", batching}}},
          {"scheduler", {{"policy", "token_jsq"}}},
          {"pools", {{{"role", "mixed"}, {"machine", "dgx-h200"}, {"count", 1}}}},
          {"kv_cache", kv_cache},
          {"workload", {{"trace", requests}}}};
}

}  // namespace

TEST_CASE("linear state: its bytes, and what they are in tokens") {
  const Llm llm = load_llm("qwen3.5-397b-a17b", "llm");
  CHECK(llm.kv_state_bytes == kStateBytes);
  CHECK(llm.kv_bytes_per_token == kTokenBytes);
  CHECK(llm.state_tokens(1) == Approx(kStateBytes / kTokenBytes));
  CHECK(llm.state_tokens(8) == Approx(kStateBytes / kTokenBytesOn8));
  CHECK(load_llm("llama3-70b", "llm").state_tokens(8) == 0);
}

TEST_CASE("linear state: there from the first token on, beside the blocks of the tokens") {
  const KvBlocks blocks{16, 0, 0, 1568};
  CHECK(blocks.rounded(0) == 0);
  CHECK(blocks.rounded(1) == 1568 + 16);
  CHECK(blocks.rounded(17) == 1568 + 32);
  const StateMemory memory(policy<MemoryPolicies>("paged")(), 1563);
  CHECK(memory.to_start_prompt(100, 9) == 1563 + 101);
  CHECK(memory.to_receive(100, 9) == 1563 + 101);
  CHECK(memory.growth().rounded(100) == 1563 + 100);
  CHECK(memory.growth().kind == KvGrowth::Kind::kTokens);
}

TEST_CASE("linear state: a request holds it from start to end, with every engine") {
  const Json one = Json::array({{0, 100, 11}});
  const auto most_tokens = [&](const char* batching) {
    const SeenRun run = see(hybrid(batching, one, {{"block_tokens", 16}}));
    return (run.most_memory_bytes.at(0) - run.last_memory_bytes.at(0)) / kTokenBytesOn8;
  };
  // 110 tokens are computed: 7 blocks. With TensorRT-LLM the whole output's are reserved.
  CHECK(most_tokens("vllm") == Approx((7 + kStateBlocks) * 16));
  CHECK(most_tokens("sglang") == Approx((7 + kStateBlocks) * 16));
  CHECK(most_tokens("trtllm") == Approx((7 + kStateBlocks) * 16));
  CHECK(most_tokens("splitwise") == Approx(111 + kStateBlocks * 16));
}

TEST_CASE("linear state: as many requests at once as their states have room for") {
  const Json four = Json::array({{0, 100, 200}, {0, 100, 200}, {0, 100, 200}, {0, 100, 200}});
  const auto most_at_once = [&](const char* batching, int blocks) {
    std::uint32_t most = 0;
    for (const Segment& segment :
         see(hybrid(batching, four, {{"block_tokens", 16}, {"blocks", blocks}})).segments) {
      most = std::max(most, segment.decodes);
    }
    return most;
  };
  // Each takes 98 blocks and, of 299 tokens, 19.
  CHECK(most_at_once("vllm", 3 * (98 + 19)) == 3);
  CHECK(most_at_once("vllm", 3 * 98) == 2);
  CHECK(most_at_once("trtllm", 3 * (98 + 19)) == 3);
  CHECK(most_at_once("trtllm", 3 * (98 + 19) - 1) == 2);
  const SeenRun none = see(hybrid("vllm", four, {{"block_tokens", 16}, {"blocks", 98}}));
  CHECK(none.rejected.size() == 4);
}

TEST_CASE("linear state: moves with the KV cache, once") {
  for (const char* transfer : {"serialized", "layerwise", "push", "pull"}) {
    Json changes = hybrid("vllm", Json::array({{0, 20'000, 3}}));
    changes["batching"]["max_num_batched_tokens"] = 8192;  // three chunks
    changes["scheduler"]["policy"] = "mixed_pool";
    changes["pools"] = {{{"role", "prompt"}, {"machine", "dgx-h200"}, {"count", 1}},
                        {{"role", "token"}, {"machine", "dgx-h200"}, {"count", 1}}};
    changes["kv_transfer"] = {
        {"policy", transfer}, {"sync_s", 0}, {"setup_s", 0}, {"descriptor_s", 0}};
    changes["fabric"] = {{"topology", "star"}, {"latency_s", 0}};
    const SeenRun run = see(changes);
    INFO(transfer);
    REQUIRE(run.transfers.size() == 1);
    CHECK(run.transfers[0].bytes == Approx(20'000 * kTokenBytes + kStateBytes));
    double carried = 0;
    for (const Json& link : run.summary["links"]) carried += link["bytes"].get<double>();
    CHECK(carried == Approx(2 * run.transfers[0].bytes));  // over a NIC up and one down
  }
}

TEST_CASE("linear state: blocks cannot be shared, and GPUs must have room for one") {
  const Json one = Json::array({{0, 100, 11}});
  CHECK_THROWS_WITH(see(hybrid("vllm", one, {{"prefix_caching", true}})),
                    Contains("kv_cache.prefix_caching: qwen3.5-397b-a17b has layers with linear "
                             "attention"));
}

}  // namespace cleave
