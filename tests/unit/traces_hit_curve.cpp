#include <algorithm>
#include <map>

#include "sim/base/random.h"
#include "tests/catch.h"
#include "tests/support/seen_run.h"
#include "tests/unit/traces_support.h"
#include "traces/hit_curve.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

/// Turns of conversations that take turns at random; prompts end within a block, and all that is
/// computed fills whole blocks of 256 tokens, or these and `more` tokens.
std::string conversations(std::uint32_t more) {
  Random random(11, 1);
  std::string text;
  std::map<std::uint64_t, std::vector<std::uint64_t>> said;
  int next_id = 1;
  for (std::size_t i = 0; i < 120; ++i) {
    std::vector<std::uint64_t>& ids = said[random.below(12)];
    if (ids.size() > 20) ids.clear();
    if (ids.empty()) ids.push_back(static_cast<int>(random.below(2)) + 1'000'000);
    for (std::uint64_t added = 1 + random.below(3); added > 0; --added) ids.push_back(next_id++);
    const auto prompt = static_cast<std::uint32_t>(ids.size() * 512 - 56);
    const auto output = static_cast<std::uint32_t>(57 + 256 * random.below(3)) + more;
    text += mooncake_line(1e6 * static_cast<double>(i), prompt, output, ids);
  }
  return text;
}

std::uint64_t simulated_hits(const std::string& trace, std::uint32_t block_tokens,
                             std::uint64_t blocks) {
  const SeenRun run = see(
      {{"llm", "llama3-8b"},
       {"workload", {{"trace", trace}}},
       {"pools",
        Json{{{"role", "mixed"}, {"machine", "dgx-h100"}, {"count", 1}, {"tensor_parallel", 8}}}},
       {"scheduler", {{"policy", "round_robin"}}},
       {"batching", {{"policy", "vllm"}}},
       {"kv_cache",
        {{"prefix_caching", true}, {"block_tokens", block_tokens}, {"blocks", blocks}}}});
  return run.summary["prefix_cache"]["hit_tokens"].get<std::uint64_t>();
}

}  // namespace

TEST_CASE("The points of a curve go from the largest request to all hits") {
  const TempFile trace(conversations(0));
  const HitCurve curve =
      measure_hits(*open_trace(trace.path()), 256, "test", {50, 1, 50, 1'000'000});
  CHECK(curve.requests == 120);
  REQUIRE(curve.points.size() >= 3);
  CHECK(curve.points[0].blocks == 50);
  CHECK(curve.points[1].blocks == 64);
  CHECK(curve.points[2].blocks == 128);
  CHECK(curve.largest_request_blocks <= 50);
  for (std::size_t i = 1; i < curve.points.size(); ++i) {
    CHECK(curve.points[i - 1].blocks < curve.points[i].blocks);
    CHECK(curve.points[i - 1].hit_tokens <= curve.points[i].hit_tokens);
  }
  CHECK(curve.points.back().hit_tokens < curve.unlimited.hit_tokens);
  CHECK(curve.points.back().blocks < curve.unlimited.blocks);
}

TEST_CASE("Without anything to find a curve is the size of the largest request") {
  const TempFile trace(mooncake_line(0, 1000, 10, {1, 2}) + mooncake_line(1e6, 500, 10, {3}));
  const HitCurve curve = measure_hits(*open_trace(trace.path()), 100, "test");
  CHECK(curve.points.empty());
  CHECK(curve.unlimited.blocks == 11);
  CHECK(curve.unlimited.hit_tokens == 0);
  CHECK(curve.distinct_blocks == 10 + 5);
}

TEST_CASE("The simulator finds what the curve says where requests fill whole blocks") {
  const TempFile trace(conversations(0));
  for (const std::uint64_t blocks : {50, 100, 150, 250, 400}) {
    const HitCurve curve = measure_hits(*open_trace(trace.path()), 256, "test", {blocks});
    const auto point = std::find_if(curve.points.begin(), curve.points.end(),
                                    [&](const HitPoint& each) { return each.blocks == blocks; });
    REQUIRE(point != curve.points.end());
    CHECK(simulated_hits(trace.path(), 256, blocks) == point->hit_tokens);
  }
}

TEST_CASE("A block in part filled takes the room of one while its request runs") {
  const TempFile trace(conversations(1));
  for (const std::uint64_t blocks : {100, 150, 250}) {
    const HitCurve curve = measure_hits(*open_trace(trace.path()), 256, "test", {blocks - 1});
    const auto point =
        std::find_if(curve.points.begin(), curve.points.end(),
                     [&](const HitPoint& each) { return each.blocks == blocks - 1; });
    REQUIRE(point != curve.points.end());
    CHECK(simulated_hits(trace.path(), 256, blocks) == point->hit_tokens);
  }
}

TEST_CASE("The curve of Mooncake's conversations ends at what a cache without limits finds") {
  const auto trace = real_trace("mooncake_conversation.jsonl");
  if (!trace) {
    WARN("skipped: no mooncake_conversation.jsonl in the folder named by CLEAVE_DATA");
    return;
  }
  const HitCurve curve = measure_hits(*open_trace(*trace), 512, "test");
  CHECK(curve.prompt_tokens == 144'793'823);
  CHECK(curve.unlimited.hit_tokens == 54'063'104);
}

TEST_CASE("A trace that does not say what prompts share has no curve") {
  const TempFile trace("{\"timestamp\": 0, \"input_length\": 1000, \"output_length\": 1}\n");
  CHECK(error_of([&] { measure_hits(*open_trace(trace.path()), 16, "trace.jsonl"); }) ==
        "trace.jsonl: no request says what its prompt shares with others; expected a trace with "
        "ids of prompt blocks (hash_ids), such as Mooncake's and Bailian's");
}
