// Conversations: turns that follow replies, and prompts that begin alike.

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/support/seen_run.h"
#include "tests/unit/traces_support.h"
#include "traces/write.h"

using namespace cleave;
using Catch::Matchers::Contains;
using cleave::testing::error_of;
using cleave::testing::read_all;
using cleave::testing::TempFile;
using cleave::testing::workload_from;

namespace {

Json cluster(const Json& workload) {
  Json machine = pool("mixed", 1, "dgx-h100");
  machine["tensor_parallel"] = 8;
  return {{"llm", "llama3-8b"},
          {"kv_cache", {{"prefix_caching", true}, {"block_tokens", 16}}},
          {"workload", workload},
          {"pools", {machine}},
          {"batching", {{"policy", "vllm"}}},
          {"scheduler", {{"policy", "round_robin"}}}};
}

Json fixed(std::uint32_t prompt, std::uint32_t output, int requests) {
  return {{"prompt_tokens", prompt}, {"output_tokens", output}, {"arrivals", "constant"},
          {"rate_rps", 0.01},        {"duration_s", nullptr},   {"requests", requests}};
}

}  // namespace

TEST_CASE("conversations: the next turn repeats prompt and reply, and finds both") {
  Json workload = fixed(100, 60, 1);
  workload["sessions"] = {{"turns", 3}, {"input_tokens", 40}};
  const SeenRun run = see(cluster(workload));
  REQUIRE(run.finished.size() == 3);
  CHECK(run.finished[1].prompt_tokens == 100 + 60 + 40);
  CHECK(run.finished[2].prompt_tokens == 200 + 60 + 40);
  // Of a reply the last token was never computed.
  CHECK(run.finished[1].cached_tokens == 159 / 16 * 16);
  CHECK(run.finished[2].cached_tokens == 259 / 16 * 16);
  CHECK(run.finished[1].arrival_s == run.finished[0].completion_s);
  CHECK(run.finished[2].turn == 3);
  CHECK(run.finished[2].last_turn);
}

TEST_CASE("conversations: none is lost, whatever their turns and however long they think") {
  Json workload = fixed(100, 20, 40);
  workload["rate_rps"] = 5;
  workload["sessions"] = {{"turns", {1, 6}}, {"think_s", 3}, {"output_tokens", {5, 50}}};
  const SeenRun run = see(cluster(workload));
  const Json& sessions = run.summary["sessions"];
  CHECK(sessions["begun"] == 40);
  CHECK(sessions["completed"] == 40);
  CHECK(sessions["unfinished"] == 0);
  CHECK(sessions["turns"] == run.finished.size());
  CHECK(run.finished.size() > 80);
  std::map<std::uint64_t, std::map<std::uint32_t, const FinishedRequest*>> turns;
  for (const FinishedRequest& request : run.finished) {
    turns[request.session][request.turn] = &request;
  }
  REQUIRE(turns.size() == 40);
  double think_s = 0;
  std::size_t thought = 0;
  for (const auto& [session, all] : turns) {
    const FinishedRequest* before = nullptr;
    for (const auto& [number, turn] : all) {
      CHECK(turn->last_turn == (number == all.size()));
      if (before != nullptr) {
        CHECK(turn->arrival_s >= before->completion_s);
        CHECK(turn->prompt_tokens == before->prompt_tokens + before->output_tokens + 100);
        think_s += turn->arrival_s - before->completion_s;
        ++thought;
      }
      before = turn;
    }
  }
  CHECK(think_s / static_cast<double>(thought) == Approx(3).epsilon(0.3));
}

TEST_CASE("conversations: what is drawn for them does not depend on the cluster") {
  Json workload = fixed(100, 20, 20);
  workload["rate_rps"] = 20;
  workload["sessions"] = {{"turns", {1, 6}}, {"think_s", 1}, {"output_tokens", {5, 500}}};
  const auto lengths = [&](const char* machine) {
    Json changes = cluster(workload);
    changes["pools"][0]["machine"] = machine;
    std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint32_t> all;
    for (const FinishedRequest& request : see(changes).finished) {
      all[{request.session, request.turn}] = request.output_tokens;
    }
    return all;
  };
  CHECK(lengths("dgx-h100") == lengths("dgx-a100"));
}

TEST_CASE("conversations: a client of a closed loop stays with its conversation to the end") {
  Json workload{{"prompt_tokens", 100}, {"output_tokens", 20}, {"arrivals", "closed"},
                {"concurrency", 2},     {"requests", 4},       {"rate_rps", nullptr},
                {"duration_s", nullptr}};
  workload["sessions"] = {{"turns", 3}};
  const SeenRun run = see(cluster(workload));
  CHECK(run.finished.size() == 12);
  std::vector<std::uint64_t> begun;
  for (const FinishedRequest& request : run.finished) {
    if (request.turn == 1) begun.push_back(request.session);
  }
  CHECK(begun == std::vector<std::uint64_t>{1, 2, 3, 4});
  CHECK(run.finished[2].session <= 2);
}

TEST_CASE("system prompts: groups share their text and no more") {
  Json workload = fixed(30, 1, 50);
  workload["system_prompts"] = {{"groups", 3}, {"tokens", 320}, {"zipf", 1}};
  const SeenRun run = see(cluster(workload));
  std::size_t first = 0;
  for (const FinishedRequest& request : run.finished) {
    CHECK(request.prompt_tokens == 350);
    CHECK((request.cached_tokens == 320 || request.cached_tokens == 0));
    if (request.cached_tokens == 0) ++first;
  }
  CHECK(first == 3);
}

TEST_CASE("conversations of a trace: at their times, or after the replies") {
  const TempFile trace(
      R"({"timestamp": 0, "session_id": "a", "input_length": 1000, "output_length": 100, "hash_ids": [1, 2]}
{"timestamp": 1, "session_id": "b", "input_length": 600, "output_length": 10, "hash_ids": [7, 8]}
{"delay": 2000, "session_id": "a", "input_length": 1200, "output_length": 5, "hash_ids": [1, 9, 10]}
{"delay": 500, "session_id": "b", "input_length": 300, "output_length": 5, "hash_ids": [20]}
)");
  Json changes = cluster({{"trace", trace.path()}});
  CHECK(see(changes).finished[2].arrival_s == Approx(2.001));
  changes["workload"]["turns"] = "after_reply";
  const SeenRun run = see(changes);
  REQUIRE(run.finished.size() == 4);
  std::map<std::pair<bool, std::uint32_t>, const FinishedRequest*> turn;
  for (const FinishedRequest& request : run.finished) {
    turn[{request.session == run.finished[0].session, request.turn}] = &request;
  }
  const FinishedRequest& a1 = *turn.at({true, 1});
  const FinishedRequest& a2 = *turn.at({true, 2});
  CHECK(a2.arrival_s == Approx(a1.completion_s + 2));
  CHECK(a2.cached_tokens == 1099 / 16 * 16);  // long enough to repeat prompt and reply
  const FinishedRequest& b2 = *turn.at({false, 2});
  CHECK(b2.arrival_s == Approx(turn.at({false, 1})->completion_s + 0.5));
  CHECK(b2.cached_tokens == 0);  // shorter: another context
  CHECK(run.summary["sessions"]["completed"] == 2);
}

TEST_CASE("conversations of Bailian's chats are those of the first chat") {
  const TempFile ordered(
      R"({"chat_id": 5, "parent_chat_id": -1, "timestamp": 0, "input_length": 160, "output_length": 20, "hash_ids": [1,2,3,4,5,6,7,8,9,10]}
{"chat_id": 6, "parent_chat_id": 5, "timestamp": 100, "input_length": 200, "output_length": 20, "hash_ids": [1,2,3,4,5,6,7,8,9,10,11,12,13]}
{"chat_id": 7, "parent_chat_id": 6, "timestamp": 200, "input_length": 300, "output_length": 20, "hash_ids": [1,2,3,4,5,6,7,8,9,10,11,12,14]}
)");
  Json changes = cluster({{"trace", ordered.path()}, {"turns", "after_reply"}});
  const SeenRun run = see(changes);
  REQUIRE(run.finished.size() == 3);
  CHECK(run.finished[2].turn == 3);
  CHECK(run.finished[1].arrival_s == 100);
  CHECK(run.finished[1].cached_tokens == 179 / 16 * 16);
  CHECK(run.summary["sessions"]["begun"] == 1);
}

TEST_CASE("conversations: bad settings are named") {
  const auto error = [](const char* more) {
    const std::string json =
        R"({"prompt_tokens": 10, "output_tokens": 10, "arrivals": "poisson", "rate_rps": 1, "requests": 5, )";
    return error_of([&] { workload_from(json + more + "}"); });
  };
  CHECK_THAT(error(R"("sessions": {"turns": [3, 1]})"), Contains("workload.sessions.turns"));
  CHECK_THAT(error(R"("sessions": {"turns": 1.5})"), Contains("workload.sessions.turns"));
  CHECK_THAT(error(R"("sessions": {"turns": 2, "think": 1})"), Contains("think"));
  CHECK_THAT(error(R"("system_prompts": {"groups": 2})"),
             Contains("workload.system_prompts.tokens"));
  CHECK_THAT(error(R"("turns": "after_reply")"), Contains("workload.turns"));
}

TEST_CASE("conversations of LLMServingSim's agents: a line each, with the tools' times between") {
  const TempFile trace(
      R"({"session_id": "x", "arrival_time_ns": 1000000000, "sub_requests": [{"input_toks": 500, "output_toks": 20, "tool_duration_ns": 3000000000}, {"input_toks": 600, "output_toks": 30, "tool_duration_ns": 0}]}
{"session_id": "y", "arrival_time_ns": 2000000000, "sub_requests": [{"input_toks": 100, "output_toks": 5, "tool_duration_ns": 0}]}
)");
  const SeenRun run = see(cluster({{"trace", trace.path()}, {"turns", "after_reply"}}));
  REQUIRE(run.finished.size() == 3);
  CHECK(run.finished[0].arrival_s == 1);
  CHECK(run.finished[1].arrival_s == 2);
  CHECK(run.finished[2].arrival_s == Approx(run.finished[0].completion_s + 3));
  CHECK(run.finished[2].cached_tokens == 519 / 16 * 16);
  CHECK(run.summary["sessions"]["completed"] == 2);
  const TempFile bad(
      R"({"arrival_time_ns": 1, "sub_requests": [{"input_toks": 0.5, "output_toks": 1}]})");
  CHECK_THAT(error_of([&] { read_all(*open_trace(bad.path())); }), Contains("input_toks"));
}

TEST_CASE("conversations: after_reply needs a trace that has some") {
  const TempFile trace("{\"timestamp\": 0, \"input_length\": 10, \"output_length\": 10}\n");
  const std::string json = R"({"turns": "after_reply", "trace": ")" + trace.path() + "\"}";
  CHECK_THAT(error_of([&] { open_workload(workload_from(json)); }), Contains("workload.turns"));
}

TEST_CASE("traces: what prompts share and conversations outlive being written") {
  const TempFile mooncake(
      R"({"timestamp": 0, "session_id": "a", "input_length": 1000, "output_length": 100, "hash_ids": [1, 2]}
{"timestamp": 2000, "delay": 1500, "session_id": "a", "input_length": 1200, "output_length": 5, "hash_ids": [1, 9, 10]}
{"timestamp": 3000, "input_length": 300, "output_length": 5, "hash_ids": [20]}
)");
  const TempFile bailian(
      R"({"chat_id": 5, "parent_chat_id": -1, "timestamp": 0, "input_length": 40, "output_length": 20, "hash_ids": [1,2,3]}
{"chat_id": 6, "parent_chat_id": 5, "timestamp": 100, "input_length": 70, "output_length": 20, "hash_ids": [1,2,3,4,5]}
)");
  for (const auto& [path, format] :
       {std::pair(mooncake.path(), "mooncake"), std::pair(bailian.path(), "bailian")}) {
    INFO(format);
    std::ostringstream text;
    write_trace(*open_trace(path), format, text, "--format");
    const TempFile written(text.str());
    CHECK(trace_format(written.path()) == format);
    const std::vector<Request> before = read_all(*open_trace(path));
    const std::vector<Request> after = read_all(*open_trace(written.path()));
    REQUIRE(before.size() == after.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
      REQUIRE(before[i].content.size() == after[i].content.size());
      for (std::size_t j = 0; j < before[i].content.size(); ++j) {
        CHECK(before[i].content[j].id == after[i].content[j].id);
        CHECK(before[i].content[j].end == after[i].content[j].end);
      }
      CHECK(before[i].after_s == after[i].after_s);
      for (std::size_t j = 0; j < i; ++j) {
        CHECK((before[i].session == before[j].session) == (after[i].session == after[j].session));
      }
    }
  }
}

TEST_CASE("conversations: each round of a repeated trace has its own") {
  const TempFile trace(
      R"({"timestamp": 0, "session_id": "a", "input_length": 100, "output_length": 10, "hash_ids": [1]}
{"timestamp": 1000, "delay": 500, "session_id": "a", "input_length": 200, "output_length": 5, "hash_ids": [1]}
)");
  const SeenRun run = see(
      cluster({{"trace", trace.path()}, {"turns", "after_reply"}, {"repeat", 3}, {"to_s", 100}}));
  CHECK(run.finished.size() == 6);
  CHECK(run.summary["sessions"]["begun"] == 3);
  CHECK(run.summary["sessions"]["completed"] == 3);
}
