// What happens when KV caches need more memory than there is.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/support/hand_model.h"
#include "tests/support/seen_run.h"
#include "tests/unit/traces_support.h"

using namespace cleave;
using cleave::testing::TempFile;

namespace {

/// Two GPUs and a cache without grouping: room for about 12,900 tokens beside the weights.
Json small_machine(const char* role, int count) {
  Json small = pool(role, count);
  small["tensor_parallel"] = 2;
  small["instances_per_machine"] = 1;
  return small;
}

Json small_cluster(Json pools, const std::string& trace) {
  return {{"llm", "llama2-70b"},
          {"kv_cache", {{"grouped_query", false}, {"memory_fraction", 1}, {"block_tokens", 1}}},
          {"workload", {{"trace", trace}}},
          {"pools", std::move(pools)}};
}

/// `count` requests at equal intervals.
std::string many(int count, double interval_s, std::uint32_t prompt_tokens,
                 std::uint32_t output_tokens) {
  std::vector<Request> requests;
  for (int i = 0; i < count; ++i) {
    requests.push_back({i * interval_s, prompt_tokens, output_tokens});
  }
  return trace_text(requests);
}

std::uint32_t preemptions(const SeenRun& run) {
  std::uint32_t sum = 0;
  for (const FinishedRequest& request : run.finished) sum += request.preemptions;
  return sum;
}

void check_memory(const SeenRun& run, const HandModel& model) {
  for (const double most : run.most_memory_bytes) CHECK(most <= model.capacity_bytes);
  for (const double last : run.last_memory_bytes) CHECK(last == model.weight_bytes);
}

double output_tokens(const SeenRun& run) {
  double sum = 0;
  for (const FinishedRequest& request : run.finished) sum += request.output_tokens;
  return sum;
}

}  // namespace

TEST_CASE("memory: a request holds its prompt and what it generates, and gives everything back") {
  const TempFile trace(trace_text({{0, 1000, 200}}));
  const Json changes = small_cluster({small_machine("mixed", 1)}, trace.path());
  const HandModel model(changes);
  const SeenRun run = see(changes);
  REQUIRE(run.most_memory_bytes.size() == 1);
  CHECK(run.most_memory_bytes[0] ==
        Approx(model.weight_bytes + 1200 * model.kv_bytes_per_token).epsilon(1e-12));
  CHECK(run.last_memory_bytes[0] == model.weight_bytes);
}

TEST_CASE(
    "memory: reserved in advance, a sequence holds its whole output from its first iteration") {
  const TempFile trace(trace_text({{0, 1000, 200}}));
  Json changes = small_cluster({small_machine("mixed", 1)}, trace.path());
  changes["batching"]["memory"] = "reserved";
  const HandModel model(changes);
  const SeenRun run = see(changes);
  CHECK(run.most_memory_bytes.at(0) ==
        Approx(model.weight_bytes + 1200 * model.kv_bytes_per_token).epsilon(1e-12));
}

TEST_CASE("memory: many long requests on one small machine never need more than it has") {
  const TempFile trace(many(60, 0.05, 700, 900));
  for (const char* memory : {"paged", "reserved"}) {
    Json changes = small_cluster({small_machine("mixed", 1)}, trace.path());
    changes["batching"]["memory"] = memory;
    const HandModel model(changes);
    const SeenRun run = see(changes);
    INFO(memory);
    CHECK(run.finished.size() == 60);
    // The pressure is real: without a limit all 60 would take 96,000 tokens.
    CHECK(run.most_memory_bytes.at(0) > 0.9 * model.capacity_bytes);
    check_memory(run, model);
  }
}

TEST_CASE("memory: sequences dropped for want of room are computed again and generate all tokens") {
  const TempFile trace(many(40, 0.02, 300, 1500));
  const Json changes = small_cluster({small_machine("mixed", 1)}, trace.path());
  const HandModel model(changes);
  const SeenRun run = see(changes);
  REQUIRE(run.finished.size() == 40);
  CHECK(preemptions(run) > 0);
  CHECK(run.requests()["restarts"] == 0);
  CHECK(run.tokens_generated() == output_tokens(run));
  double prompt_tokens = 0;
  for (const Segment& segment : run.segments) prompt_tokens += segment.prompt_tokens;
  CHECK(prompt_tokens > 40.0 * 300);  // some were computed twice
  check_memory(run, model);
}

TEST_CASE("memory: a token machine under pressure recomputes what it drops") {
  const TempFile trace(many(40, 0.02, 300, 1500));
  const Json changes =
      small_cluster({small_machine("prompt", 1), small_machine("token", 1)}, trace.path());
  Json fixed = changes;
  fixed["scheduler"] = {{"policy", "kv_jsq"}};
  const HandModel model(fixed);
  const SeenRun run = see(fixed);
  REQUIRE(run.finished.size() == 40);
  CHECK(preemptions(run) > 0);
  CHECK(run.tokens_generated() >= output_tokens(run));
  check_memory(run, model);
  for (const FinishedRequest& request : run.finished) {
    CHECK(request.first_token_s <= request.transfer_end_s);
    CHECK(request.transfer_end_s <= request.token_start_s);
    CHECK(request.token_start_s <= request.completion_s);
  }
}

TEST_CASE("memory: transfers wait for room on their token machine") {
  // Each cache takes nearly half of the token machine, so the third waits for the end of the first.
  const TempFile trace(many(3, 0, 6000, 100));
  for (const char* admission : {"wait", "poll"}) {
    Json changes =
        small_cluster({small_machine("prompt", 2), small_machine("token", 1)}, trace.path());
    changes["scheduler"] = {{"policy", "kv_jsq"}};
    changes["kv_transfer"] = {
        {"policy", "serialized"}, {"admission", admission}, {"poll_interval_s", 0.5}};
    const HandModel model(changes);
    const SeenRun run = see(changes);
    INFO(admission);
    REQUIRE(run.finished.size() == 3);
    check_memory(run, model);
    std::vector<FinishedRequest> requests = run.finished;
    std::sort(requests.begin(), requests.end(),
              [](const auto& a, const auto& b) { return a.transfer_start_s < b.transfer_start_s; });
    const double freed_s = std::min(requests[0].completion_s, requests[1].completion_s);
    CHECK(requests[2].transfer_ready_s < freed_s);
    if (std::string(admission) == "wait") {
      CHECK(requests[2].transfer_start_s == freed_s);
    } else {
      const double polls = (requests[2].transfer_start_s - requests[2].transfer_ready_s) / 0.5;
      CHECK(polls == Approx(std::round(polls)).margin(1e-9));
      CHECK(requests[2].transfer_start_s - freed_s < 0.5);
    }
  }
}

TEST_CASE("memory: a request that no machine could hold is rejected, with its line and its need") {
  const TempFile trace(trace_text({{0, 500, 50}, {1, 12'500, 900}, {2, 500, 50}, {3, 50, 13'000}}));
  const Json changes = small_cluster({small_machine("mixed", 2)}, trace.path());
  const HandModel model(changes);
  REQUIRE(model.capacity_tokens() > 12'600);
  REQUIRE(model.capacity_tokens() < 13'000);
  const SeenRun run = see(changes);
  CHECK(run.requests()["arrived"] == 4);
  CHECK(run.requests()["completed"] == 2);
  CHECK(run.requests()["rejected"] == 2);
  CHECK(run.requests()["unfinished"] == 0);
  REQUIRE(run.rejected.size() == 2);
  // The header is line 1 of the trace.
  CHECK(run.rejected[0].request.line == 3);
  CHECK(run.rejected[0].request.number == 1);
  CHECK(run.rejected[0].needed_bytes == 13'400 * model.kv_bytes_per_token);
  CHECK(run.rejected[1].request.line == 5);
  const Json& listed = run.summary["rejected_requests"];
  REQUIRE(listed.size() == 2);
  CHECK(listed[0]["line"] == 3);
  CHECK(listed[0]["tokens"] == 13'400);
}

TEST_CASE("memory: a request that fills a machine to its last token is served") {
  const Json empty = small_cluster({small_machine("mixed", 1)}, "trace.csv");
  const HandModel model(empty);
  const auto most = static_cast<std::uint32_t>(model.capacity_tokens());
  const TempFile trace(trace_text({{0, most - 100, 100}, {0.001, most - 100, 101}}));
  const SeenRun run = see(small_cluster({small_machine("mixed", 1)}, trace.path()));
  CHECK(run.requests()["completed"] == 1);
  CHECK(run.requests()["rejected"] == 1);
}

TEST_CASE("memory: a request too large for most machines generates on the one that holds it") {
  Json large = small_machine("mixed", 1);
  large["tensor_parallel"] = 4;
  const TempFile trace(many(6, 0.1, 12'500, 900));
  const Json changes =
      small_cluster({small_machine("prompt", 2), small_machine("token", 2), large}, trace.path());
  const SeenRun run = see(changes);
  REQUIRE(run.finished.size() == 6);
  for (const FinishedRequest& request : run.finished) {
    CHECK(request.token_instance == 4);
  }
}

TEST_CASE("batching: no iteration has more prompt tokens or sequences than allowed") {
  const TempFile trace(many(80, 0.01, 400, 60));
  Json changes = small_cluster({small_machine("mixed", 1)}, trace.path());
  changes["batching"]["max_prompt_tokens"] = 1000;
  changes["batching"]["max_sequences"] = 7;
  const SeenRun run = see(changes);
  REQUIRE(run.finished.size() == 80);
  std::uint32_t most_sequences = 0;
  std::uint32_t most_prompts = 0;
  for (const Segment& segment : run.segments) {
    most_sequences = std::max(most_sequences, segment.prompts + segment.decodes);
    most_prompts = std::max(most_prompts, segment.prompts);
    CHECK(segment.prompt_tokens + segment.decodes <= 1000);
  }
  CHECK(most_sequences == 7);
  CHECK(most_prompts == 2);
}

TEST_CASE("batching: a prompt longer than the limit runs alone") {
  const TempFile trace(trace_text({{0, 300, 5}, {0.001, 3000, 5}, {0.002, 300, 5}}));
  Json changes =
      small_cluster({small_machine("prompt", 1), small_machine("token", 1)}, trace.path());
  changes["scheduler"] = {{"policy", "kv_jsq"}};
  const SeenRun run = see(changes);
  REQUIRE(run.finished.size() == 3);
  CHECK(run.finished[1].prompt_start_s == run.finished[0].first_token_s);
  CHECK(run.finished[2].prompt_start_s == run.finished[1].first_token_s);
}

TEST_CASE("batching: prompts that fill every batch put a sequence aside, and it still completes") {
  std::vector<Request> requests{{0, 200, 30}};
  for (int i = 0; i < 30; ++i) requests.push_back({0.1 + 0.05 * i, 2048, 1});
  const TempFile trace(trace_text(requests));
  Json changes = small_cluster({small_machine("mixed", 1)}, trace.path());
  changes["kv_cache"]["grouped_query"] = true;
  const SeenRun run = see(changes);
  REQUIRE(run.finished.size() == 31);
  CHECK(run.finished[0].preemptions > 0);
  CHECK(run.finished[0].largest_gap_s >
        run.finished[1].first_token_s - run.finished[1].prompt_start_s);
}

TEST_CASE("memory: kv_cache.blocks is what an instance holds, whatever its GPUs would") {
  const TempFile trace(trace_text({{0, 1500, 100}, {10, 1500, 101}}));
  Json changes = small_cluster({small_machine("mixed", 1)}, trace.path());
  changes["kv_cache"]["block_tokens"] = 16;
  changes["kv_cache"]["blocks"] = 100;
  const SeenRun run = see(changes);
  CHECK(run.requests()["completed"] == 1);
  CHECK(run.requests()["rejected"] == 1);
  changes["kv_cache"]["blocks"] = 1'000'000;
  CHECK(see(changes).requests()["completed"] == 2);
}

TEST_CASE("memory: a part of the GPUs' memory is kept back, and KV caches come in whole blocks") {
  Json changes = small_cluster({small_machine("mixed", 1)}, "trace.csv");
  const auto capacity = [&](double fraction, int block_tokens) {
    changes["kv_cache"]["memory_fraction"] = fraction;
    changes["kv_cache"]["block_tokens"] = block_tokens;
    const Scenario scenario = read_scenario(scenario_of(changes));
    return scenario.pools[0].kv.capacity_tokens;
  };
  const HandModel model(changes);
  const double kept_back = 0.1 * model.capacity_bytes / model.kv_bytes_per_token;
  CHECK(static_cast<double>(capacity(1, 1) - capacity(0.9, 1)) == Approx(kept_back).margin(1));
  CHECK(capacity(0.9, 512) % 512 == 0);
  CHECK(capacity(0.9, 1) - capacity(0.9, 512) < 512);
}
