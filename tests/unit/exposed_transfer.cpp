// The time of a KV transfer that a request really waits for.

#include "tests/catch.h"
#include "tests/support/simulation.h"

namespace cleave {

namespace {

FinishedRequest moved(double first_token_s, double ready_s, double end_s) {
  FinishedRequest request;
  request.prompt_instance = 0;
  request.token_instance = 1;
  request.first_token_s = first_token_s;
  request.transfer_ready_s = ready_s;
  request.transfer_end_s = end_s;
  return request;
}

/// One request of the paper's median of coding alone, on a prompt and a token machine.
Json alone(const std::string& policy) {
  return simulate_changes({{"workload",
                            {{"prompt_tokens", 1469},
                             {"output_tokens", 13},
                             {"arrivals", "constant"},
                             {"rate_rps", 0.01},
                             {"requests", 1}}},
                           {"pools",
                            {{{"role", "prompt"}, {"machine", "dgx-a100"}, {"count", 1}},
                             {{"role", "token"}, {"machine", "dgx-a100"}, {"count", 1}}}},
                           {"kv_transfer", {{"policy", policy}}}});
}

}  // namespace

TEST_CASE("exposed transfer: what lies behind the first token, and no less than nothing") {
  CHECK(moved(2, 2, 2.5).exposed_transfer_s() == 0.5);    // sent when the prompt is complete
  CHECK(moved(2, 1, 2.25).exposed_transfer_s() == 0.25);  // a second of it was hidden
  CHECK(moved(2, 1, 1.5).exposed_transfer_s() == 0);      // all of it was
  FinishedRequest stays = moved(2, 0, 0);
  stays.token_instance = stays.prompt_instance;
  CHECK(stays.exposed_transfer_s() == 0);
}

TEST_CASE("exposed transfer: all of one sent after the prompt, the end of one sent beside it") {
  const Json after = alone("serialized");
  CHECK(after["exposed_transfer"]["mean"] == after["transfer"]["mean"]);
  const Json beside = alone("layerwise");
  // What a transfer layer by layer leaves on A100: its synchronisation, 8 ms.
  CHECK(beside["exposed_transfer"]["mean"].get<double>() == Approx(0.008).margin(1e-5));
  CHECK(beside["transfer"]["mean"].get<double>() >
        10 * beside["exposed_transfer"]["mean"].get<double>());
  // The request's share of it is the one that transfers[] tells.
  CHECK(beside["transfers"][0]["exposed_share_of_e2e"].get<double>() ==
        Approx(beside["exposed_transfer"]["mean"].get<double>() /
               beside["e2e"]["mean"].get<double>()));
}

TEST_CASE("exposed transfer: nothing where no KV cache moves") {
  const Json run =
      simulate_changes({{"workload", {{"rate_rps", 5}, {"duration_s", 10}}},
                        {"pools", {{{"role", "mixed"}, {"machine", "dgx-h100"}, {"count", 2}}}},
                        {"scheduler", {{"policy", "jsq"}}}});
  CHECK(run["exposed_transfer"]["count"] == 0);
  CHECK(run["prompt_length"]["count"] == run["requests"]["measured"]);
}

}  // namespace cleave
