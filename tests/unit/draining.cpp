// What becomes of requests on machines that drain: they finish there, or go on elsewhere.

#include <algorithm>

#include "tests/catch.h"
#include "tests/support/seen_run.h"
#include "tests/unit/traces_support.h"

using namespace cleave;
using cleave::testing::error_of;

namespace {

/// Requests of 1,000 and 400 tokens on two machines that do both, of which the first drains.
Json two_machines(double rate_rps, double duration_s, double drain_s, const std::string& draining) {
  return {{"workload",
           {{"prompt_tokens", 1000},
            {"output_tokens", 400},
            {"arrivals", "constant"},
            {"rate_rps", rate_rps},
            {"duration_s", duration_s}}},
          {"pools", {pool("mixed", 2)}},
          {"faults", {{{"at_s", drain_s}, {"action", "drain"}, {"machine", 0}}}},
          {"scaling", {{"draining", draining}}},
          {"results", {{"warmup_s", 0}}}};
}

Json alone(const std::string& draining) { return two_machines(1, 0.5, 1, draining); }

double kv_bytes_per_token(const Json& changes) {
  return read_scenario(scenario_of(changes)).llms.front().kv_bytes_per_token;
}

double went_off_s(const SeenRun& run) {
  for (const SeenStatus& status : run.statuses) {
    if (status.status == InstanceStatus::kOff) return status.time_s;
  }
  return -1;
}

}  // namespace

TEST_CASE("draining: a sequence loses what its cache takes to the other machine, and no token") {
  const std::string engine = GENERATE(std::string("splitwise"), "vllm", "sglang", "trtllm");
  CAPTURE(engine);
  Json changes = alone("finish");
  changes["batching"] = {{"policy", engine}};
  const SeenRun stays = see(changes);
  changes["scaling"]["draining"] = "move";
  const SeenRun moves = see(changes);
  REQUIRE(moves.finished.size() == 1);
  REQUIRE(moves.transfers.size() == 1);
  const SeenTransfer& transfer = moves.transfers.front();
  const FinishedRequest& request = moves.finished.front();
  CHECK(request.moves == 1);
  CHECK(request.prompt_instance == 0);
  CHECK(request.token_instance == 1);
  CHECK(transfer.from == 0);
  CHECK(transfer.to == 1);
  // It leaves at the end of the iteration that ran when the machine began to drain.
  Segment before;
  for (const Segment& segment : moves.segments) {
    if (segment.instance == 0) before = segment;
  }
  CHECK(transfer.start_s == before.end_s);
  CHECK(transfer.start_s >= 1);
  CHECK(transfer.start_s - 1 <= before.first_iteration_s + before.iterations * before.growth_s);
  const double took_s = transfer.end_s - transfer.start_s;
  CHECK(took_s == Approx(transfer.ideal_s));
  CHECK(request.completion_s ==
        Approx(stays.finished.front().completion_s + took_s).epsilon(1e-12));
  CHECK(request.aside_s == Approx(took_s));
  CHECK(request.largest_gap_s > took_s);
  CHECK(request.first_token_s == stays.finished.front().first_token_s);
  // Of its cache everything but the last token's.
  double generated = 0;
  for (const Segment& segment : moves.segments) {
    if (segment.instance == 0) generated += segment.completed_prompts + segment.decode_tokens;
  }
  CHECK(transfer.bytes == Approx((1000 + generated - 1) * kv_bytes_per_token(changes)));
  CHECK(moves.tokens_generated() == 400);
  CHECK(went_off_s(moves) == transfer.end_s);
  CHECK(went_off_s(stays) >= stays.finished.front().completion_s);
  CHECK(moves.requests()["moves"] == 1);
  CHECK(moves.requests()["restarts"] == 0);
}

TEST_CASE("draining: a cache that moved between two tokens is no transfer after the prompt") {
  const SeenRun run = see(alone("move"));
  const FinishedRequest& request = run.finished.front();
  CHECK(request.moved());
  CHECK_FALSE(request.handed_over());
  CHECK(request.exposed_transfer_s() == 0);
  CHECK(run.summary["transfer"]["mean"].is_null());
}

TEST_CASE("draining: a token machine hands on all that it has, and what is still coming") {
  const SeenRun run = see({{"workload",
                            {{"prompt_tokens", 1000},
                             {"output_tokens", 100},
                             {"arrivals", "constant"},
                             {"rate_rps", 5},
                             {"duration_s", 60}}},
                           {"pools", {pool("prompt", 2), pool("token", 2)}},
                           {"faults", {{{"at_s", 20}, {"action", "drain"}, {"machine", 2}}}},
                           {"scaling", {{"draining", "move"}}},
                           {"results", {{"warmup_s", 0}}}});
  CHECK(run.requests()["completed"] == 300);
  CHECK(run.requests()["restarts"] == 0);
  CHECK(run.requests()["moves"].get<int>() >= 2);
  CHECK(run.tokens_generated() == 300 * 100);
  double last_s = 0;
  int from_there = 0;
  for (const SeenTransfer& transfer : run.transfers) {
    if (transfer.from != 2) continue;
    CHECK(transfer.to == 3);
    ++from_there;
    last_s = std::max(last_s, transfer.end_s);
  }
  CHECK(run.requests()["moves"] == from_there);
  CHECK(went_off_s(run) == last_s);
  CHECK(last_s < 21);
  for (const FinishedRequest& request : run.finished) {
    if (request.moves == 0) continue;
    CHECK(request.handed_over());
    CHECK(request.transfer_end_s <= request.token_start_s);
    CHECK(request.token_instance == 3);
  }
}

TEST_CASE("draining: what waits for its prompt begins elsewhere") {
  Json changes = two_machines(40, 5, 3, "move");
  const SeenRun moves = see(changes);
  CHECK(moves.requests()["completed"] == 200);
  CHECK(moves.requests()["restarts"] == 0);
  double last_prompt_s = 0;
  for (const Segment& segment : moves.segments) {
    if (segment.instance != 0 || segment.prompts == 0) continue;
    last_prompt_s = std::max(last_prompt_s, segment.start_s);
  }
  CHECK(last_prompt_s <= 3);
  changes["scaling"]["draining"] = "finish";
  const SeenRun stays = see(changes);
  CHECK(went_off_s(moves) < went_off_s(stays));
}

TEST_CASE("draining: who finds no room stays where it is") {
  Json changes = two_machines(10, 0.2, 1, "move");
  changes["batching"] = {{"policy", "vllm"}};
  changes["kv_cache"] = {{"blocks", 90}, {"block_tokens", 16}};  // for one of 1,400 tokens
  const SeenRun run = see(changes);
  REQUIRE(run.finished.size() == 2);
  CHECK(run.requests()["moves"] == 0);
  CHECK(run.transfers.empty());
  for (const FinishedRequest& request : run.finished) {
    CHECK(request.prompt_instance == request.token_instance);
  }
  CHECK(went_off_s(run) >= run.finished.front().completion_s);
}

TEST_CASE("draining: a prompt under way ends there, and its sequence leaves at once") {
  const std::string engine = GENERATE(std::string("splitwise"), "vllm", "sglang", "trtllm");
  CAPTURE(engine);
  Json changes = two_machines(1, 0.5, 0.02, "move");
  changes["batching"] = {{"policy", engine}};
  const SeenRun run = see(changes);
  REQUIRE(run.finished.size() == 1);
  CHECK(run.finished.front().first_token_s > 0.02);
  CHECK(run.finished.front().moves == 1);
  REQUIRE(run.transfers.size() == 1);
  CHECK(run.transfers.front().start_s == run.finished.front().first_token_s);
}

TEST_CASE("draining: who fits nowhere else keeps nobody from leaving") {
  // The first fits on the first machine only, which is the only one that is up when all come.
  Json changes = two_machines(1, 1, 5, "move");
  changes["pools"] = {pool("mixed", 1), pool("mixed", 1)};
  changes["pools"][1]["kv_blocks"] = 300;  // of 16 tokens
  changes["batching"] = {{"policy", "vllm"}};
  changes["faults"].push_back({{"at_s", 0}, {"action", "stop"}, {"machine", 1}});
  changes["faults"].push_back({{"at_s", 4}, {"action", "start"}, {"machine", 1}});
  changes["workload"] = {{"trace", {{0.1, 6000, 2000}, {0.5, 500, 1500}, {0.6, 500, 1500}}}};
  const SeenRun run = see(changes);
  REQUIRE(run.finished.size() == 3);
  CHECK(run.finished[0].moves == 0);
  CHECK(run.finished[1].moves == 1);
  CHECK(run.finished[2].moves == 1);
}

TEST_CASE("draining: of machines that begin to drain together none is where others go") {
  Json changes = two_machines(12, 10, 5, "move");
  changes["pools"] = {pool("mixed", 6)};
  changes["faults"] = {{{"at_s", 5}, {"action", "drain"}, {"machines", "0-4"}}};
  const SeenRun run = see(changes);
  CHECK(run.requests()["completed"] == 120);
  CHECK(run.requests()["moves"].get<int>() > 10);
  for (const FinishedRequest& request : run.finished) CHECK(request.moves <= 1);
  for (const SeenTransfer& transfer : run.transfers) CHECK(transfer.to == 5);
}

TEST_CASE("draining: with nobody else up, all of it finishes there") {
  Json changes = two_machines(4, 2, 1.1, "move");
  changes["pools"] = {pool("mixed", 1)};
  const SeenRun run = see(changes);
  CHECK(run.requests()["moves"] == 0);
  CHECK(run.finished.size() == 5);
  CHECK(run.requests()["stranded"] == 3);
}

TEST_CASE("draining: notice of an interruption is time to leave") {
  Json changes = two_machines(4, 10, 5, "finish");
  changes["faults"] = {{{"at_s", 6}, {"action", "interrupt"}, {"machine", 0}, {"notice_s", 1}}};
  const SeenRun stays = see(changes);
  changes["scaling"]["draining"] = "move";
  const SeenRun moves = see(changes);
  CHECK(stays.requests()["restarts"].get<int>() > 0);
  CHECK(moves.requests()["restarts"] == 0);
  CHECK(moves.requests()["moves"].get<int>() > 0);
}

TEST_CASE("draining: a cache may go back to where its prompt was, and fail on the way") {
  // The prompts' machine takes token phases too; its link is cut while caches come back to it.
  Json changes{{"workload",
                {{"prompt_tokens", 4000},
                 {"output_tokens", 400},
                 {"arrivals", "constant"},
                 {"rate_rps", 2},
                 {"duration_s", 4}}},
               {"pools", {pool("mixed", 1), pool("token", 1)}},
               {"scheduler", {{"policy", "dynamo_kv"}}},
               {"faults", {{{"at_s", 3}, {"action", "drain"}, {"machine", 1}}}},
               {"scaling", {{"draining", "move"}}},
               {"results", {{"warmup_s", 0}}}};
  const SeenRun back = see(changes);
  const bool went_back = std::any_of(back.finished.begin(), back.finished.end(), [](const auto& r) {
    return r.moves == 1 && r.handed_over() && r.prompt_instance == r.token_instance;
  });
  CHECK(went_back);
  changes["faults"].push_back(
      {{"at_s", 3.001}, {"action", "scale_link"}, {"link", "machine-0-nic-down"}, {"share", 0}});
  const SeenRun cut = see(changes);
  CHECK(cut.requests()["completed"] == 8);
  CHECK(went_off_s(cut) > 0);
}

TEST_CASE("draining: a machine that is wanted again keeps what it has left") {
  Json changes = two_machines(4, 10, 5, "move");
  changes["faults"].push_back({{"at_s", 5.001}, {"action", "start"}, {"machine", 0}});
  const SeenRun run = see(changes);
  CHECK(run.requests()["completed"] == 40);
  for (const SeenTransfer& transfer : run.transfers) CHECK(transfer.start_s < 5.1);
  CHECK(went_off_s(run) == -1);
}

TEST_CASE("draining: bad settings are refused in a sentence") {
  const std::string error = error_of([] { read_scenario(scenario_of(alone("stop"))); });
  CHECK(error.find("scaling.draining") != std::string::npos);
  CHECK(error.find("finish") != std::string::npos);
}
