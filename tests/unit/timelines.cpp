// Runs small enough to be computed by hand, from the fitted latencies and the speeds of the NICs:
// every time must be right to a billionth of a second.

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

constexpr double kNicsBps = 8 * 50e9;  // of a DGX H100
constexpr double kLatencyS = 1e-6;     // of each of the two links that a transfer crosses
constexpr double kSyncS = 0.005;       // of a DGX H100

Approx exactly(double seconds) { return Approx(seconds).margin(1e-9).epsilon(0); }

/// `requests` on one prompt and one token machine.
Json split(const TempFile& trace, const char* transfer) {
  return {{"workload", {{"trace", trace.path()}}},
          {"pools", {pool("prompt", 1), pool("token", 1)}},
          {"kv_transfer", {{"policy", transfer}}}};
}

/// `requests` on one machine that does both.
Json together(const TempFile& trace) {
  return {{"workload", {{"trace", trace.path()}}}, {"pools", {pool("mixed", 1)}}};
}

/// Two prompts that wait for the same third one and then run together.
const std::string kTwoTogether = trace_text({{0, 100, 1}, {0.001, 800, 20}, {0.001, 800, 20}});

void check_decoding(const FinishedRequest& request, const HandSequence& expected) {
  CHECK(request.token_start_s == exactly(expected.start_s));
  CHECK(request.completion_s == exactly(expected.end_s));
}

}  // namespace

TEST_CASE("timeline: one request alone, its cache sent after its prompt") {
  const TempFile trace(trace_text({{2.5, 1000, 40}}));
  const Json changes = split(trace, "serialized");
  const HandModel model(changes);
  const SeenRun run = see(changes);

  const double first_token_s = 2.5 + model.prefill_s(1000);
  const double sent_s = first_token_s + 2 * kLatencyS + 1000 * model.kv_bytes_per_token / kNicsBps;
  double now_s = sent_s;
  double largest_gap_s = 0;
  for (int generated = 1; generated < 40; ++generated) {
    const double iteration_s = model.decode_s(1, 1000 + generated);
    now_s += iteration_s;
    largest_gap_s = std::max(largest_gap_s, generated == 1 ? now_s - first_token_s : iteration_s);
  }
  REQUIRE(run.finished.size() == 1);
  const FinishedRequest& request = run.finished[0];
  CHECK(request.arrival_s == 2.5);
  CHECK(request.prompt_start_s == 2.5);
  CHECK(request.first_token_s == exactly(first_token_s));
  CHECK(request.transfer_ready_s == exactly(first_token_s));
  CHECK(request.transfer_start_s == exactly(first_token_s));
  CHECK(request.transfer_end_s == exactly(sent_s));
  CHECK(request.token_start_s == exactly(sent_s));
  CHECK(request.completion_s == exactly(now_s));
  CHECK(request.largest_gap_s == exactly(largest_gap_s));
  CHECK(request.prompt_instance == 0);
  CHECK(request.token_instance == 1);
  CHECK(run.summary["duration_s"].get<double>() == exactly(now_s));
  REQUIRE(run.transfers.size() == 1);
  CHECK(run.transfers[0].bytes == 1000 * model.kv_bytes_per_token);
  CHECK(run.transfers[0].ideal_s == exactly(sent_s - first_token_s));
}

TEST_CASE("timeline: a request of one token ends with its prompt and sends nothing") {
  const TempFile trace(trace_text({{0, 700, 1}}));
  const Json changes = split(trace, "serialized");
  const SeenRun run = see(changes);
  REQUIRE(run.finished.size() == 1);
  CHECK(run.finished[0].first_token_s == exactly(HandModel(changes).prefill_s(700)));
  CHECK(run.finished[0].completion_s == run.finished[0].first_token_s);
  CHECK(run.finished[0].token_start_s == run.finished[0].first_token_s);
  CHECK(run.finished[0].largest_gap_s == 0);
  CHECK_FALSE(run.finished[0].moved());
  CHECK(run.transfers.empty());
}

TEST_CASE("timeline: three requests; two prompts in one batch, two transfers through one NIC") {
  // The second and third wait for the first prompt and then run together, so their caches leave
  // together.
  const TempFile trace(trace_text({{0, 1000, 60}, {0.01, 600, 25}, {0.02, 900, 30}}));
  const Json changes = split(trace, "serialized");
  const HandModel model(changes);
  const SeenRun run = see(changes);

  const double first_s = model.prefill_s(1000);
  const double others_s = first_s + model.prefill_s({600, 900});
  const double second_bytes = 600 * model.kv_bytes_per_token;
  const double third_bytes = 900 * model.kv_bytes_per_token;
  std::vector<HandSequence> decoding(3);
  decoding[0] = {first_s + 2 * kLatencyS + 1000 * model.kv_bytes_per_token / kNicsBps, 1000, 60};
  // Half the bandwidth each until the smaller is through, then all of it for the rest of the other.
  decoding[1] = {others_s + 2 * kLatencyS + 2 * second_bytes / kNicsBps, 600, 25};
  decoding[2] = {others_s + 2 * kLatencyS + (second_bytes + third_bytes) / kNicsBps, 900, 30};
  const std::vector<HandSequence> sent = decoding;
  decode_by_hand(model, decoding);

  REQUIRE(run.finished.size() == 3);
  CHECK(run.finished[0].first_token_s == exactly(first_s));
  for (const std::size_t i : {1U, 2U}) {
    CHECK(run.finished[i].prompt_start_s == exactly(first_s));
    CHECK(run.finished[i].first_token_s == exactly(others_s));
  }
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(run.finished[i].transfer_end_s == exactly(sent[i].ready_s));
    check_decoding(run.finished[i], decoding[i]);
  }
}

TEST_CASE("timeline: two equal transfers that share a NIC take twice as long as one alone") {
  const TempFile trace(kTwoTogether);
  const Json changes = split(trace, "serialized");
  const HandModel model(changes);
  const SeenRun run = see(changes);
  const double alone_s = 800 * model.kv_bytes_per_token / kNicsBps;
  REQUIRE(run.transfers.size() == 2);
  for (const SeenTransfer& transfer : run.transfers) {
    CHECK(transfer.end_s - transfer.start_s == exactly(2 * kLatencyS + 2 * alone_s));
    CHECK(transfer.ideal_s == exactly(2 * kLatencyS + alone_s));
  }
}

TEST_CASE("timeline: transfers to different machines share the sender's NIC all the same") {
  const TempFile trace(kTwoTogether);
  Json changes = split(trace, "serialized");
  changes["pools"][1]["count"] = 2;
  const HandModel model(changes);
  const SeenRun run = see(changes);
  REQUIRE(run.transfers.size() == 2);
  CHECK(run.transfers[0].to != run.transfers[1].to);
  for (const SeenTransfer& transfer : run.transfers) {
    CHECK(transfer.end_s - transfer.start_s ==
          exactly(2 * kLatencyS + 2 * 800 * model.kv_bytes_per_token / kNicsBps));
  }
}

TEST_CASE("timeline: a slower NIC and another latency take effect") {
  const TempFile trace(trace_text({{0, 800, 20}}));
  Json changes = split(trace, "serialized");
  changes["fabric"] = {{"nic_gbps", 25}, {"nics_per_machine", 2}, {"latency_s", 0.001}};
  const HandModel model(changes);
  const SeenRun run = see(changes);
  REQUIRE(run.transfers.size() == 1);
  CHECK(run.transfers[0].end_s - run.transfers[0].start_s ==
        exactly(2 * 0.001 + 800 * model.kv_bytes_per_token / (2 * 25e9 / 8)));
}

TEST_CASE("timeline: the ideal pipe has neither latency nor sharing") {
  const TempFile trace(kTwoTogether);
  Json changes = split(trace, "serialized");
  changes["fabric"] = {{"topology", "pipe"}, {"pipe_gib_per_s", 10}};
  const HandModel model(changes);
  const SeenRun run = see(changes);
  REQUIRE(run.transfers.size() == 2);
  const double pipe_bytes_per_s = 10.0 * 1024 * 1024 * 1024;
  for (const SeenTransfer& transfer : run.transfers) {
    CHECK(transfer.end_s - transfer.start_s ==
          exactly(800 * model.kv_bytes_per_token / pipe_bytes_per_s));
  }
}

TEST_CASE(
    "timeline: layer by layer, the cache is there right after the prompt and a synchronisation") {
  // Layers leave no faster than they are computed, so the flow lasts as long as the prompt.
  const TempFile trace(trace_text({{1, 1500, 30}}));
  const Json changes = split(trace, "layerwise");
  const HandModel model(changes);
  const SeenRun run = see(changes);
  const double first_token_s = 1 + model.prefill_s(1500);
  const double sent_s = first_token_s + 2 * kLatencyS + kSyncS;
  std::vector<HandSequence> decoding{{sent_s, 1500, 30}};
  decode_by_hand(model, decoding);
  REQUIRE(run.finished.size() == 1);
  CHECK(run.finished[0].transfer_ready_s == 1);
  CHECK(run.finished[0].transfer_start_s == 1);
  CHECK(run.finished[0].first_token_s == exactly(first_token_s));
  CHECK(run.finished[0].transfer_end_s == exactly(sent_s));
  check_decoding(run.finished[0], decoding[0]);
}

TEST_CASE("timeline: layer by layer through a slow NIC, the NIC decides") {
  const TempFile trace(trace_text({{0, 1500, 30}}));
  Json changes = split(trace, "layerwise");
  changes["fabric"] = {{"nic_gbps", 10}, {"nics_per_machine", 1}};
  changes["kv_transfer"]["sync_s"] = 0.25;
  const HandModel model(changes);
  const SeenRun run = see(changes);
  REQUIRE(run.finished.size() == 1);
  const double flow_s = 2 * kLatencyS + 1500 * model.kv_bytes_per_token / (10e9 / 8);
  REQUIRE(flow_s > model.prefill_s(1500));
  CHECK(run.finished[0].transfer_end_s == exactly(flow_s + 0.25));
}

TEST_CASE("timeline: layers that leave one by one take only a part of the NIC") {
  // The short prompt's cache goes to the same machine while the long prompt is computed elsewhere.
  const TempFile trace(trace_text({{0, 2000, 5}, {0.01, 300, 5}}));
  Json changes = split(trace, "auto");
  changes["pools"][0]["count"] = 2;
  changes["scheduler"] = {{"policy", "kv_jsq"}};
  const HandModel model(changes);
  const SeenRun run = see(changes);
  REQUIRE(run.finished.size() == 2);
  REQUIRE(run.finished[0].prompt_instance != run.finished[1].prompt_instance);
  REQUIRE(run.finished[1].first_token_s < run.finished[0].first_token_s);
  const double layers_bytes_per_s = 2000 * model.kv_bytes_per_token / model.prefill_s(2000);
  const double rest_bytes_per_s = kNicsBps - layers_bytes_per_s;
  CHECK(run.finished[1].transfer_end_s - run.finished[1].transfer_start_s ==
        exactly(2 * kLatencyS + 300 * model.kv_bytes_per_token / rest_bytes_per_s));
  CHECK(run.finished[0].transfer_end_s ==
        exactly(run.finished[0].first_token_s + 2 * kLatencyS + kSyncS));
}

TEST_CASE("timeline: sending layers may slow the prompt down") {
  const TempFile trace(trace_text({{0, 1500, 30}}));
  Json changes = split(trace, "layerwise");
  changes["kv_transfer"]["prompt_slowdown"] = 0.2;
  const HandModel model(changes);
  CHECK(see(changes).finished.at(0).first_token_s == exactly(1.2 * model.prefill_s(1500)));
  changes["kv_transfer"]["policy"] = "serialized";
  CHECK(see(changes).finished.at(0).first_token_s == exactly(model.prefill_s(1500)));
}

TEST_CASE("timeline: \"auto\" sends short prompts at once and long ones layer by layer") {
  const TempFile trace(trace_text({{0, 511, 3}, {10, 512, 3}}));
  const Json changes = split(trace, "auto");
  const HandModel model(changes);
  const SeenRun run = see(changes);
  REQUIRE(run.finished.size() == 2);
  CHECK(run.finished[0].transfer_start_s == exactly(model.prefill_s(511)));
  CHECK(run.finished[1].transfer_start_s == 10);
}

TEST_CASE("timeline: on one machine a prompt joins the sequences that are being decoded") {
  const TempFile trace(trace_text({{0, 800, 30}, {0.3, 500, 10}}));
  const Json changes = together(trace);
  const HandModel model(changes);
  const SeenRun run = see(changes);

  double now_s = model.prefill_s(800);
  double generated = 1;
  // Whole iterations until the second arrives; then one with its prompt.
  for (; now_s < 0.3; ++generated) now_s += model.decode_s(1, 800 + generated);
  const double prompt_start_s = now_s;
  const double mixed_s = model.mixed_s(500, 1, 800 + generated);
  now_s += mixed_s;
  ++generated;
  const double first_token_s = now_s;
  for (double second = 1; second < 10; ++second, ++generated) {
    now_s += model.decode_s(2, 800 + generated + 500 + second);
  }
  const double second_end_s = now_s;
  for (; generated < 30; ++generated) now_s += model.decode_s(1, 800 + generated);

  REQUIRE(run.finished.size() == 2);
  CHECK(run.finished[1].prompt_start_s == exactly(prompt_start_s));
  CHECK(run.finished[1].first_token_s == exactly(first_token_s));
  CHECK(run.finished[1].token_start_s == exactly(first_token_s));
  CHECK(run.finished[1].completion_s == exactly(second_end_s));
  CHECK(run.finished[0].completion_s == exactly(now_s));
  CHECK(run.finished[0].largest_gap_s == exactly(mixed_s));
  CHECK(run.transfers.empty());
}

TEST_CASE("timeline: requests of fixed lengths at equal intervals") {
  const Json changes{{"workload",
                      {{"prompt_tokens", 900},
                       {"output_tokens", 12},
                       {"arrivals", "constant"},
                       {"rate_rps", 0.5},
                       {"requests", 3},
                       {"duration_s", nullptr}}},
                     {"pools", {pool("prompt", 1), pool("token", 1)}},
                     {"kv_transfer", {{"policy", "serialized"}}}};
  const HandModel model(changes);
  const SeenRun run = see(changes);
  double alone_s = model.prefill_s(900) + 2 * kLatencyS + 900 * model.kv_bytes_per_token / kNicsBps;
  for (int generated = 1; generated < 12; ++generated)
    alone_s += model.decode_s(1, 900 + generated);
  REQUIRE(run.finished.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const double arrival_s = 2.0 * static_cast<double>(i);
    CHECK(run.finished[i].arrival_s == exactly(arrival_s));
    CHECK(run.finished[i].completion_s == exactly(arrival_s + alone_s));
  }
}

namespace {

/// One request of three chunks on vLLM's prompt instance, 1,000, 1,000 and 400 tokens.
Json in_three_chunks(const TempFile& trace, const char* transfer) {
  Json changes = split(trace, transfer);
  changes["batching"] = {
      {"policy", "vllm"}, {"max_num_batched_tokens", 1000}, {"max_num_seqs", 64}};
  changes["kv_cache"] = {{"block_tokens", 16}};
  changes["kv_transfer"]["setup_s"] = 0.002;
  changes["kv_transfer"]["descriptor_s"] = 1e-5;
  changes["kv_transfer"]["descriptors_per_block"] = 10;
  return changes;
}

/// Ends of the iterations that compute prompts.
std::vector<double> chunk_ends(const SeenRun& run) {
  std::vector<double> ends;
  for (const Segment& segment : run.segments) {
    if (segment.prompts > 0 && segment.instance == 0) {
      CHECK(segment.iterations == 1);
      ends.push_back(segment.end_s);
    }
  }
  return ends;
}

}  // namespace

TEST_CASE(
    "timeline: what is pulled is set up and posted, descriptor by descriptor, once it has room") {
  const TempFile trace(trace_text({{0, 1000, 5}}));
  Json changes = split(trace, "pull");
  const HandModel model(changes);
  const auto transfer = [&](const Json& settings) {
    changes["kv_transfer"] = settings;
    changes["kv_transfer"]["policy"] = "pull";
    const SeenRun run = see(changes);
    REQUIRE(run.transfers.size() == 1);
    CHECK(run.transfers[0].start_s == exactly(model.prefill_s(1000)));
    const double took_s = run.transfers[0].end_s - run.transfers[0].start_s;
    CHECK(run.transfers[0].ideal_s == exactly(took_s));
    CHECK(run.finished.at(0).token_start_s == exactly(run.transfers[0].end_s));
    return took_s - 2 * kLatencyS - 1000 * model.kv_bytes_per_token / kNicsBps;
  };
  // 63 blocks of 16 tokens, keys and values of 70 layers.
  CHECK(transfer({}) == exactly(5e-5 + 63 * 2 * 70 * 2.4e-6));
  CHECK(transfer({{"setup_s", 0.3}, {"descriptor_s", 0}}) == exactly(0.3));
  CHECK(transfer({{"setup_s", 0}, {"descriptor_s", 1e-4}, {"descriptors_per_block", 3}}) ==
        exactly(63 * 3 * 1e-4));
  // Pages of a token are posted 16 at a time, unless it is said how.
  changes["kv_cache"] = {{"block_tokens", 1}};
  CHECK(transfer({{"setup_s", 0}}) == exactly(63 * 2 * 70 * 2.4e-6));
  CHECK(transfer({{"setup_s", 0}, {"descriptors_per_block", 2}}) == exactly(1000 * 2 * 2.4e-6));
}

TEST_CASE("timeline: a prompt in three chunks is pushed in three flows, whole blocks each") {
  const TempFile trace(trace_text({{0, 2400, 5}}));
  Json changes = in_three_chunks(trace, "push");
  changes["fabric"] = {{"nic_gbps", 20}, {"nics_per_machine", 1}};
  const HandModel model(changes);
  const SeenRun run = see(changes);
  const std::vector<double> ends = chunk_ends(run);
  REQUIRE(ends.size() == 3);
  double sent_s = 0;
  const std::vector<double> tokens{992, 1008, 400};  // 62, 63 and 25 blocks
  for (std::size_t i = 0; i < 3; ++i) {
    sent_s = std::max(sent_s, ends[i]) + 0.002 + std::ceil(tokens[i] / 16) * 10 * 1e-5 +
             2 * kLatencyS + tokens[i] * model.kv_bytes_per_token / (20e9 / 8);
  }
  REQUIRE(run.finished.size() == 1);
  CHECK(run.finished[0].transfer_ready_s == exactly(ends[0]));
  CHECK(run.finished[0].transfer_start_s == exactly(ends[0]));
  CHECK(run.finished[0].first_token_s == exactly(ends[2]));
  CHECK(run.finished[0].transfer_end_s == exactly(sent_s));
  REQUIRE(run.transfers.size() == 1);
  CHECK(run.transfers[0].bytes == 2400 * model.kv_bytes_per_token);
  CHECK(run.transfers[0].ideal_s == exactly(sent_s - ends[0]));
}

TEST_CASE("timeline: layer by layer, the chunks before the last leave when they are computed") {
  const TempFile trace(trace_text({{0, 2400, 5}}));
  const Json changes = in_three_chunks(trace, "layerwise");
  const SeenRun run = see(changes);
  const std::vector<double> ends = chunk_ends(run);
  REQUIRE(ends.size() == 3);
  REQUIRE(run.finished.size() == 1);
  CHECK(run.finished[0].transfer_start_s == exactly(ends[0]));
  // The second chunk's flow is over before the last chunk is; the layers of that end with it.
  const double bytes_s = 1008 * HandModel(changes).kv_bytes_per_token / kNicsBps;
  const double remaining_s = ends[2] - ends[1] - bytes_s - 2 * kLatencyS;
  REQUIRE(remaining_s > 0);
  CHECK(run.finished[0].transfer_end_s == exactly(ends[2] + 2 * kLatencyS + kSyncS));
}

TEST_CASE("timeline: what is pushed or pulled waits for room, and is held until it has arrived") {
  // The first takes more than half of the token machine's blocks until it ends.
  for (const char* policy : {"push", "pull"}) {
    const TempFile trace(trace_text({{0, 2400, 200}, {0.001, 2400, 5}}));
    Json changes = in_three_chunks(trace, policy);
    changes["kv_cache"]["blocks"] = 170;
    changes["pools"][0]["count"] = 2;
    changes["scheduler"] = {{"policy", "kv_jsq"}};
    const HandModel model(changes);
    const SeenRun run = see(changes);
    INFO(policy);
    REQUIRE(run.finished.size() == 2);
    const FinishedRequest& second = run.finished[1];
    // The engine's last step, prepared before the first's last token was known, has its blocks.
    CHECK(second.transfer_start_s >= run.finished[0].completion_s);
    CHECK(second.transfer_ready_s < run.finished[0].completion_s);
    const std::vector<double> parts = std::string(policy) == "push"
                                          ? std::vector<double>{992, 1008, 400}
                                          : std::vector<double>{2400};
    double took_s = 0;
    for (const double tokens : parts) {
      took_s += 0.002 + std::ceil(tokens / 16) * 10 * 1e-5 + 2 * kLatencyS +
                tokens * model.kv_bytes_per_token / kNicsBps;
    }
    CHECK(second.transfer_end_s - second.transfer_start_s == exactly(took_s));
    CHECK(run.last_memory_s[second.prompt_instance] == exactly(second.transfer_end_s));
  }
}
