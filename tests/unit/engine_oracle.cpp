// The oracle of the engines' schedulers does what docs/engines.md says, by timelines done by hand.

#include "tests/support/engine_oracle.h"

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "tests/catch.h"

namespace cleave::oracle {

namespace {

using Prompts = std::vector<std::uint64_t>;
using Decodes = std::vector<std::uint32_t>;
using Times = std::vector<double>;

/// Every step takes a second.
constexpr Cost kSecond{1, 0, 0, 0, 0};
constexpr Memory kRoomy{1'000'000, 1, 0};

/// Without a step longer.
constexpr Vllm kVllm{2048, 256, 0, true, false, false, true, false};
constexpr Sglang kSglang{2048, 16384, 256, 1, false};
constexpr Trtllm kTrtllm{2048, 256, false, false, false};

Prompts prompt_tokens(const Result& result) {
  Prompts tokens;
  for (const Step& step : result.steps) tokens.push_back(step.prompt_tokens);
  return tokens;
}

Decodes decodes(const Result& result) {
  Decodes counts;
  for (const Step& step : result.steps) counts.push_back(step.decodes);
  return counts;
}

Times first_tokens_s(const Result& result) {
  Times times;
  for (const Done& done : result.requests) times.push_back(done.first_token_s);
  return times;
}

Times completions_s(const Result& result) {
  Times times;
  for (const Done& done : result.requests) times.push_back(done.completion_s);
  return times;
}

}  // namespace

TEST_CASE("oracle, vllm: a prompt longer than the budget runs in chunks, each with its pairs") {
  const Result result = run(kVllm, kRoomy, {1, 0.001, 1e-6, 0, 0}, {{0, 5000, 1}});
  CHECK(prompt_tokens(result) == Prompts{2048, 2048, 904});
  REQUIRE(result.steps.size() == 3);
  // 2048^2, 4096^2 - 2048^2 and 5000^2 - 4096^2 pairs.
  CHECK(result.steps[0].end_s == Approx(1 + 2.048 + 4.194304));
  CHECK(result.steps[1].end_s - result.steps[1].start_s == Approx(1 + 2.048 + 12.582912));
  CHECK(result.requests[0].first_token_s == Approx(3 + 5 + 25));
  CHECK(result.requests[0].completion_s == result.steps[2].end_s);
}

TEST_CASE("oracle, vllm: chunks run beside the sequences, from what these leave of the budget") {
  const Result result = run(kVllm, kRoomy, kSecond, {{0, 10, 4}, {0.5, 3000, 2}});
  CHECK(prompt_tokens(result) == Prompts{10, 2047, 953, 0});
  CHECK(decodes(result) == Decodes{0, 1, 1, 2});
  CHECK(completions_s(result) == Times{4, 4});
}

TEST_CASE("oracle, vllm: of two that come to an idle engine at once the second waits a step") {
  const Result result = run(kVllm, kRoomy, kSecond, {{2, 10, 1}, {2, 10, 1}, {3, 10, 1}});
  CHECK(first_tokens_s(result) == Times{3, 4, 4});
  CHECK(prompt_tokens(result) == Prompts{10, 20});
}

TEST_CASE("oracle, vllm: a complete sequence is in one more step, with its blocks and its time") {
  Vllm vllm = kVllm;
  vllm.async_scheduling = true;
  const Cost cost{1, 0, 0, 0.1, 0.01};
  CHECK(run(vllm, kRoomy, cost, {{0, 10, 3}}).steps.size() == 3);  // its end is known

  vllm.ignore_eos = false;
  // The second has no room while the first has its blocks.
  const Result result = run(vllm, {13, 1, 0}, cost, {{0, 10, 3}, {3, 10, 2}});
  CHECK(result.requests[0].completion_s == Approx(1 + 1.21 + 1.22));
  CHECK(result.requests[1].first_token_s == Approx(1 + 1.21 + 1.22 + 1.23 + 1));
  CHECK(decodes(result) == Decodes{0, 1, 1, 0, 0, 1, 0});
  CHECK(result.steps.back().end_s == Approx(3.43 + 1.23 + 1 + 1.21 + 1.22));
}

TEST_CASE("oracle, vllm: where blocks run out the last of running is computed again, later") {
  // Four blocks of four tokens; each request has two after its prompt, the first needs a third.
  const Result result = run(kVllm, {4, 4, 0}, kSecond, {{0, 7, 6}, {0, 7, 6}});
  CHECK(prompt_tokens(result) == Prompts{7, 7, 0, 0, 0, 0, 8, 0, 0, 0, 0});
  CHECK(decodes(result) == Decodes{0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1});
  CHECK(first_tokens_s(result) == Times{1, 2});
  CHECK(completions_s(result) == Times{6, 11});
  CHECK(result.requests[0].preemptions == 0);
  CHECK(result.requests[1].preemptions == 1);
}

TEST_CASE("oracle, vllm: by priority the worst of running is preempted, even out of this step") {
  Vllm vllm = kVllm;
  vllm.priority = true;
  const Result result = run(vllm, {5, 4, 0}, kSecond, {{0, 8, 4, false, 1}, {0, 8, 3}});
  CHECK(prompt_tokens(result) == Prompts{8, 8, 0, 0, 10, 0});
  CHECK(decodes(result) == Decodes{0, 1, 1, 1, 0, 1});
  CHECK(completions_s(result) == Times{6, 4});
  CHECK(result.requests[0].preemptions == 1);
}

TEST_CASE("oracle, vllm: a step that a preemption left empty is planned again at once") {
  Vllm vllm = kVllm;
  vllm.priority = true;
  // The first of running needs a third block and is the worst itself.
  const Result result = run(vllm, {4, 4, 0}, kSecond, {{0, 7, 6, false, 1}, {0, 7, 6}});
  CHECK(decodes(result) == Decodes{0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1});
  CHECK(prompt_tokens(result) == Prompts{7, 7, 0, 0, 0, 0, 0, 9, 0, 0, 0});
  CHECK(completions_s(result) == Times{11, 7});
}

TEST_CASE("oracle, vllm: the watermark stays free, whole blocks of it, unless the step is empty") {
  const std::vector<Request> requests{{0, 10, 3}, {0, 8, 1}};
  // A fifth of 19 blocks is three: 19 - 11 - 3 = 5 are left for eight tokens beside a sequence.
  CHECK(first_tokens_s(run(kVllm, {19, 1, 0.2}, kSecond, requests)) == Times{1, 4});
  CHECK(first_tokens_s(run(kVllm, {23, 1, 0.2}, kSecond, requests)) == Times{1, 2});
  CHECK(first_tokens_s(run(kVllm, {22, 1, 0.2}, kSecond, requests)) == Times{1, 4});
}

TEST_CASE("oracle, vllm: without chunks a long prompt waits for a step of its own") {
  Vllm vllm = kVllm;
  vllm.enable_chunked_prefill = false;
  const Result result = run(vllm, kRoomy, kSecond, {{0, 10, 3}, {0, 3000, 2}, {0, 10, 1}});
  CHECK(prompt_tokens(result) == Prompts{10, 0, 0, 3000, 10});
  CHECK(decodes(result) == Decodes{0, 1, 1, 0, 1});
}

TEST_CASE("oracle, vllm: the whole prompt must fit where the setting says so") {
  Vllm vllm = kVllm;
  vllm.max_num_batched_tokens = 10;
  const std::vector<Request> requests{{0, 10, 3}, {0, 15, 1}};
  // Beside the eleven blocks of the first nine tokens of the second fit, but not all 15 with
  // twelve.
  const Result chunk = run(vllm, {25, 1, 0}, kSecond, requests);
  CHECK(prompt_tokens(chunk) == Prompts{10, 9, 0, 10, 5});
  CHECK(chunk.requests[1].preemptions == 1);
  vllm.scheduler_reserve_full_isl = true;
  const Result whole = run(vllm, {25, 1, 0}, kSecond, requests);
  CHECK(prompt_tokens(whole) == Prompts{10, 0, 0, 10, 5});
  CHECK(whole.requests[1].preemptions == 0);
}

TEST_CASE("oracle: a request that comes with its cache decodes, and one too large is rejected") {
  const std::vector<Request> requests{{1, 10, 3, true}, {1, 90, 11}};
  const Memory memory{100, 1, 0};
  for (const Result& result :
       {run(kVllm, memory, kSecond, requests), run(kSglang, memory, kSecond, requests),
        run(kTrtllm, memory, kSecond, requests)}) {
    CHECK(first_tokens_s(result)[0] == 1);
    CHECK(completions_s(result)[0] == 3);
    CHECK(decodes(result) == Decodes{1, 1});
    CHECK(result.requests[1].rejected);
  }
}

TEST_CASE("oracle, sglang: prompts run alone, one of them in chunks, and sequences stand still") {
  Sglang sglang = kSglang;
  sglang.chunked_prefill_size = 8;
  const Result result = run(sglang, kRoomy, kSecond, {{0, 4, 3}, {0, 20, 2}, {0, 3, 1}});
  CHECK(prompt_tokens(result) == Prompts{4, 8, 8, 7, 0, 0});
  CHECK(decodes(result) == Decodes{0, 0, 0, 0, 2, 1});
  CHECK(first_tokens_s(result) == Times{1, 4, 4});
  CHECK(completions_s(result) == Times{6, 5, 4});
}

TEST_CASE("oracle, sglang: what sequences may still need, by the ratio, is not admitted to") {
  // The first holds 10 of 100 and may need 0.7 x 49 more: 55.7 are left.
  const Memory memory{100, 1, 0};
  CHECK(first_tokens_s(run(kSglang, memory, kSecond, {{0, 10, 50}, {0, 30, 25}})) == Times{1, 2});
  CHECK(first_tokens_s(run(kSglang, memory, kSecond, {{0, 10, 50}, {0, 30, 26}})) == Times{1, 51});
}

TEST_CASE("oracle, sglang: the ratio falls with the decode steps and is whole again when idle") {
  // After k decode steps the first holds 10 + k of 240 and may need ratio x (199 - k) more:
  // 0.7 - 0.602 k / 600 is the ratio. 230 - 139.3 = 90.7 are left at k = 0, and at k = 10
  // 220 - 0.68997 x 189 = 89.6; at k = 100 130 - 0.59967 x 99 = 70.6. It never leaves more.
  const Memory memory{240, 1, 0};
  const Request first{0, 10, 200};
  CHECK(first_tokens_s(run(kSglang, memory, kSecond, {first, {10.5, 40, 49}})) == Times{1, 12});
  CHECK(first_tokens_s(run(kSglang, memory, kSecond, {first, {10.5, 40, 50}})) == Times{1, 201});
  CHECK(first_tokens_s(run(kSglang, memory, kSecond, {first, {100.5, 40, 30}})) == Times{1, 102});
  CHECK(first_tokens_s(run(kSglang, memory, kSecond, {first, {100.5, 40, 31}})) == Times{1, 201});
  // The same again after an idle moment.
  CHECK(first_tokens_s(run(kSglang, memory, kSecond, {first, {300, 10, 200}, {310.5, 40, 49}})) ==
        Times{1, 301, 312});
  CHECK(first_tokens_s(run(kSglang, memory, kSecond, {first, {300, 10, 200}, {310.5, 40, 50}})) ==
        Times{1, 301, 501});
}

TEST_CASE("oracle, sglang: where no block is free the sequence with the fewest tokens goes") {
  Sglang sglang = kSglang;
  sglang.schedule_conservativeness = 0.1;
  // Both have 8 tokens and hold 17 + 12 of 30; the longer prompt goes. Its 18 known tokens and 7 to
  // come do not fit until the other is complete, for the ratio is 1 from then on.
  const Result result = run(sglang, {30, 1, 0}, kSecond, {{0, 10, 15}, {0, 5, 14}});
  CHECK(completions_s(result) == Times{22, 15});
  CHECK(result.requests[0].preemptions == 1);
  CHECK(result.requests[1].preemptions == 0);
  REQUIRE(result.steps.size() == 22);
  CHECK(result.steps[8].decodes == 2);
  CHECK(result.steps[9].decodes == 1);
  CHECK(result.steps[15].prompt_tokens == 18);
}

TEST_CASE(
    "oracle, sglang: what is complete stays through a step of prompts without being computed") {
  Sglang sglang = kSglang;
  sglang.overlap_schedule = true;
  const Result result = run(sglang, kRoomy, {1, 0, 0, 0.5, 0}, {{0, 4, 2}, {1.5, 4, 1}});
  CHECK(completions_s(result) == Times{2.5, 3.5});
  CHECK(prompt_tokens(result) == Prompts{4, 0, 4, 0});
  CHECK(decodes(result) == Decodes{0, 1, 0, 0});
  CHECK(result.steps.back().end_s == 5);
}

TEST_CASE("oracle, trtllm: guaranteed_no_evict holds blocks for prompt and output") {
  // Four and five blocks of eight.
  Trtllm trtllm = kTrtllm;
  const std::vector<Request> requests{{0, 8, 8}, {0, 8, 12}};
  const Result reserved = run(trtllm, {8, 4, 0}, kSecond, requests);
  CHECK(first_tokens_s(reserved) == Times{1, 9});
  CHECK(completions_s(reserved) == Times{8, 20});
  trtllm.max_utilization = true;
  CHECK(first_tokens_s(run(trtllm, {8, 4, 0}, kSecond, requests)) == Times{1, 2});
}

TEST_CASE("oracle, trtllm: max_utilization pauses the last of running") {
  Trtllm trtllm = kTrtllm;
  trtllm.max_utilization = true;
  const Result result = run(trtllm, {4, 4, 0}, kSecond, {{0, 7, 6}, {0, 7, 6}});
  CHECK(prompt_tokens(result) == Prompts{7, 7, 0, 0, 0, 0, 8, 0, 0, 0, 0});
  CHECK(completions_s(result) == Times{6, 11});
  CHECK(result.requests[1].preemptions == 1);
}

TEST_CASE("oracle, trtllm: chunks that are not the rest are whole blocks") {
  Trtllm trtllm = kTrtllm;
  trtllm.max_num_tokens = 200;
  trtllm.enable_chunked_context = true;
  const Result result = run(trtllm, {100, 64, 0}, kSecond, {{0, 500, 2}, {0, 100, 1}});
  CHECK(prompt_tokens(result) == Prompts{192, 192, 116 + 64, 36});
  CHECK(decodes(result) == Decodes{0, 0, 0, 1});
}

TEST_CASE("oracle, trtllm: without chunks a prompt longer than the budget runs alone") {
  const Result result = run(kTrtllm, kRoomy, kSecond, {{0, 10, 2}, {0, 3000, 1}, {0, 10, 1}});
  CHECK(prompt_tokens(result) == Prompts{10, 0, 3000, 10});
}

TEST_CASE("oracle, trtllm: what stays a step longer has a place among the sequences") {
  Trtllm trtllm = kTrtllm;
  trtllm.overlap_scheduler = true;
  trtllm.max_batch_size = 1;
  const Result result = run(trtllm, kRoomy, kSecond, {{0, 4, 2}, {0, 4, 1}});
  CHECK(completions_s(result) == Times{2, 4});
  CHECK(prompt_tokens(result) == Prompts{4, 0, 0, 4, 0});
}

TEST_CASE("oracle: requests that wait for nothing are reported") {
  Trtllm trtllm = kTrtllm;
  trtllm.max_num_tokens = 100;
  trtllm.enable_chunked_context = true;
  // No whole block is in the budget.
  CHECK_THROWS_AS(run(trtllm, {100, 128, 0}, kSecond, {{0, 300, 1}}), std::runtime_error);
}

}  // namespace cleave::oracle
