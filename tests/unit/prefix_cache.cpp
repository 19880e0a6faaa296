// Prefix caches: what a prompt shares with others is not computed again.

#include "sim/machine/prefix_cache.h"

#include <algorithm>
#include <list>
#include <string>
#include <vector>

#include "sim/base/random.h"
#include "tests/catch.h"
#include "tests/support/seen_run.h"
#include "tests/unit/traces_support.h"

using namespace cleave;
using Catch::Matchers::Contains;
using cleave::testing::mooncake_line;
using cleave::testing::real_trace;
using cleave::testing::TempFile;

namespace {

struct Line {
  double time_ms;
  std::uint32_t prompt, output;
  std::vector<std::uint64_t> ids;  ///< of blocks of 512 tokens
};

std::string mooncake(const std::vector<Line>& lines) {
  std::string text;
  for (const Line& line : lines) {
    text += mooncake_line(line.time_ms, line.prompt, line.output, line.ids);
  }
  return text;
}

/// One instance of Llama-3.1-8B under vLLM's rules, with a prefix cache.
Json one_instance(const std::string& trace, int block_tokens = 512, int blocks = 10'000) {
  Json machine = pool("mixed", 1, "dgx-h100");
  machine["tensor_parallel"] = 8;
  return {
      {"llm", "llama3-8b"},
      {"kv_cache", {{"prefix_caching", true}, {"block_tokens", block_tokens}, {"blocks", blocks}}},
      {"workload", {{"trace", trace}}},
      {"pools", {machine}},
      {"batching", {{"policy", "vllm"}}},
      {"scheduler", {{"policy", "round_robin"}}}};
}

std::vector<std::uint32_t> found(const SeenRun& run) {
  std::vector<std::uint32_t> tokens;
  for (const FinishedRequest& request : run.finished) tokens.push_back(request.cached_tokens);
  return tokens;
}

/// The same, request after request, with a list of blocks by when they were used last. Whole blocks
/// of prompt and output stay; a request needs all its blocks while it runs.
std::vector<std::uint32_t> found_by_lru(const std::vector<Line>& lines, std::size_t capacity) {
  std::list<std::uint64_t> blocks;  // the first goes first
  const auto at = [&](std::uint64_t id) { return std::find(blocks.begin(), blocks.end(), id); };
  std::vector<std::uint32_t> tokens;
  std::uint64_t own = 1'000'000;
  for (const Line& line : lines) {
    const std::size_t most = (line.prompt - 1) / 512;
    std::size_t hits = 0;
    while (hits < most && at(line.ids[hits]) != blocks.end()) ++hits;
    tokens.push_back(static_cast<std::uint32_t>(hits * 512));
    std::vector<std::uint64_t> mine(line.ids.begin(), line.ids.begin() + line.prompt / 512);
    const std::uint32_t computed = line.prompt + line.output - 1;
    while (mine.size() < computed / 512) mine.push_back(++own);
    for (const std::uint64_t id : mine) blocks.remove(id);
    const std::size_t needed = (computed + 511) / 512;
    while (blocks.size() + needed > capacity) blocks.pop_front();
    blocks.insert(blocks.end(), mine.rbegin(), mine.rend());
  }
  return tokens;
}

}  // namespace

TEST_CASE("prefix cache: whole blocks that are there are not computed, the last token always") {
  const std::vector<Line> lines{{0, 1024, 1, {1, 2}},
                                {1e5, 1024, 1, {1, 2}},
                                {2e5, 1025, 1, {1, 2, 3}},
                                {3e5, 1500, 1, {1, 4, 5}},
                                {4e5, 1500, 1, {6, 4, 5}}};
  const TempFile trace(mooncake(lines));
  const SeenRun run = see(one_instance(trace.path()));
  CHECK(found(run) == std::vector<std::uint32_t>{0, 512, 1024, 512, 0});
  double computed = 0;
  for (const Segment& segment : run.segments) computed += segment.prompt_tokens;
  CHECK(computed == 1024 + 512 + 1 + 988 + 1500);
  const auto prefill_s = [&](std::size_t i) {
    return run.finished[i].first_token_s - run.finished[i].prompt_start_s;
  };
  CHECK(prefill_s(1) < prefill_s(0));
  CHECK(run.summary["prefix_cache"]["hit_tokens"] == 2048);
  CHECK(run.summary["prefix_cache"]["prompt_tokens"] == 6073);
}

TEST_CASE("prefix cache: blocks of any size find what the trace's blocks share") {
  const TempFile trace(mooncake({{0, 1500, 1, {1, 2, 3}}, {1e5, 1400, 1, {1, 2, 4}}}));
  CHECK(found(see(one_instance(trace.path(), 16)))[1] == 1024);
  CHECK(found(see(one_instance(trace.path(), 100)))[1] == 1000);
  CHECK(found(see(one_instance(trace.path(), 1024)))[1] == 1024);
}

TEST_CASE("prefix cache: what was used longest ago goes first, as in a plain list of blocks") {
  std::vector<std::size_t> hits;
  for (const std::uint64_t seed : {1, 2, 3}) {
    Random random(seed, 0);
    std::vector<Line> lines;
    for (int i = 0; i < 300; ++i) {
      Line line{i * 1e5, 0, static_cast<std::uint32_t>(1 + random.below(700)), {}};
      if (i > 0 && random.below(4) > 0) {
        line.ids = lines[random.below(lines.size())].ids;
        line.ids.resize(1 + random.below(line.ids.size()));
      }
      for (auto more = 1 + random.below(6); more > 0; --more) {
        line.ids.push_back(1000 * static_cast<std::uint64_t>(i) + more);
      }
      line.prompt = static_cast<std::uint32_t>(512 * line.ids.size() - random.below(512));
      lines.push_back(line);
    }
    const TempFile trace(mooncake(lines));
    for (const int capacity : {20, 40, 80, 100'000}) {
      std::size_t longest = 0;
      for (const Line& line : lines) longest = std::max(longest, line.ids.size() + 3);
      if (longest > static_cast<std::size_t>(capacity)) continue;
      INFO("seed " << seed << ", " << capacity << " blocks");
      CHECK(found(see(one_instance(trace.path(), 512, capacity))) ==
            found_by_lru(lines, static_cast<std::size_t>(capacity)));
    }
  }
}

TEST_CASE("prefix cache: Mooncake's conversations share what an independent count says") {
  const auto file = real_trace("mooncake_conversation.jsonl");
  if (!file) {
    WARN("mooncake_conversation.jsonl is not there (see CLEAVE_DATA); skipped");
    return;
  }
  Json changes = one_instance(*file, 512, 1'000'000);
  changes["workload"]["rate_scale"] = 1e-4;
  const Json summary = see(changes).summary;
  CHECK(summary["prefix_cache"]["hit_tokens"] == 54'063'104);
  CHECK(summary["prefix_cache"]["prompt_tokens"] == 144'793'823);
}

TEST_CASE(
    "prefix cache: rounds of a repeated trace share nothing, unless they are to be the same") {
  const TempFile trace(mooncake({{0, 1024, 1, {1, 2}}, {1e5, 1024, 1, {1, 2}}}));
  Json changes = one_instance(trace.path());
  changes["workload"]["repeat"] = 2;
  CHECK(found(see(changes)) == std::vector<std::uint32_t>{0, 512, 0, 512});
  changes["workload"]["repeat_content"] = "same";
  CHECK(found(see(changes)) == std::vector<std::uint32_t>{0, 512, 512, 512});
}

TEST_CASE("prefix cache: an instance that stopped has lost it") {
  const TempFile trace(mooncake({{0, 1024, 1, {1, 2}}, {1e5, 1024, 1, {1, 2}}}));
  Json changes = one_instance(trace.path());
  changes["faults"] = {{{"at_s", 50}, {"action", "stop"}, {"machine", 0}},
                       {{"at_s", 60}, {"action", "start"}, {"machine", 0}}};
  CHECK(found(see(changes)) == std::vector<std::uint32_t>{0, 0});
}

TEST_CASE("prefix cache: a transfer brings only what the token instance lacks") {
  const TempFile trace(mooncake({{0, 1536, 2, {1, 2, 3}}, {1e5, 1600, 2, {1, 2, 3, 4}}}));
  Json changes = one_instance(trace.path());
  changes["pools"] = {pool("prompt", 1, "dgx-h100"), pool("token", 1, "dgx-h100")};
  for (Json& each : changes["pools"]) each["tensor_parallel"] = 8;
  changes["scheduler"]["policy"] = "kv_round_robin";
  for (const char* policy : {"pull", "push", "layerwise", "serialized"}) {
    INFO(policy);
    changes["kv_transfer"]["policy"] = policy;
    const SeenRun run = see(changes);
    REQUIRE(run.transfers.size() == 2);
    CHECK(run.finished[1].cached_tokens == 1536);
    CHECK(run.transfers[1].bytes / run.transfers[0].bytes == Approx(64.0 / 1536));
  }
}

TEST_CASE("prefix cache: policies without blocks and LLMs with windows are refused in a sentence") {
  const TempFile trace(mooncake({{0, 1024, 1, {1, 2}}}));
  Json changes = one_instance(trace.path());
  changes["batching"]["policy"] = "splitwise";
  CHECK_THROWS_WITH(read_scenario(merge_scenario(default_scenario(), changes)),
                    Contains("kv_cache.prefix_caching") && Contains("vllm"));
  changes["batching"].erase("policy");
  CHECK(complete_scenario(changes)["batching"]["policy"] == "vllm");
  changes["llm"] = "gpt-oss-20b";
  CHECK_THROWS_WITH(read_scenario(complete_scenario(changes)), Contains("sliding window"));
}
