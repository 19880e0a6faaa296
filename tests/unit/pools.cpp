// Machines that work for another pool for a while.

#include "tests/catch.h"
#include "tests/support/seen_run.h"

namespace cleave {

namespace {

Json overloaded(double prompt_tokens, double output_tokens, double rate_rps) {
  return {{"workload",
           {{"prompt_tokens", prompt_tokens},
            {"output_tokens", output_tokens},
            {"arrivals", "constant"},
            {"rate_rps", rate_rps},
            {"duration_s", 20}}},
          {"pools", {pool("prompt", 1), pool("token", 3)}}};
}

}  // namespace

TEST_CASE("pools: token machines help with prompts under pressure, and all come back") {
  const SeenRun run = see(overloaded(2000, 5, 8));
  REQUIRE_FALSE(run.pool_changes.empty());
  std::vector<PoolRole> role(4, PoolRole::kToken);
  role[0] = PoolRole::kPrompt;
  for (const SeenPoolChange& change : run.pool_changes) {
    CHECK(change.role != role[change.instance]);
    if (change.role != PoolRole::kMixed) {
      CHECK(change.role == (change.instance == 0 ? PoolRole::kPrompt : PoolRole::kToken));
    }
    role[change.instance] = change.role;
  }
  CHECK(role == std::vector<PoolRole>{PoolRole::kPrompt, PoolRole::kToken, PoolRole::kToken,
                                      PoolRole::kToken});
  bool helped = false;
  for (const FinishedRequest& request : run.finished) helped |= request.prompt_instance > 0;
  CHECK(helped);
  CHECK(run.finished.size() == run.requests()["arrived"]);
}

TEST_CASE("pools: nobody moves while every pool keeps up") {
  const SeenRun run = see(overloaded(500, 5, 2));
  CHECK(run.pool_changes.empty());
  for (const FinishedRequest& request : run.finished) {
    CHECK(request.prompt_instance == 0);
    CHECK(request.token_instance > 0);
  }
}

}  // namespace cleave
