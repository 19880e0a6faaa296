// SGLang's scheduler_recv_interval: new requests are seen every so many iterations of decodes.

#include "sim/machine/block_memory.h"
#include "tests/catch.h"
#include "tests/support/fakes.h"

namespace cleave {

namespace {

/// One sequence decodes from 0.1 s on, 0.1 s an iteration; when the prompts (50 tokens, 0.05 s) of
/// those that come at these times are done.
std::vector<double> prompts_done_s(int interval, const std::vector<double>& come_s) {
  InstanceAlone alone(100'000);
  const BlockMemory blocks(KvBlocks{1});
  alone.kind.memory.policy = &blocks;
  const auto make = policy<BatchingPolicies>(
      "sglang", {{"scheduler_recv_interval", interval}, {"overlap_schedule", false}});
  alone.kind.batching = [&] { return make({load_gpu("h100-80gb", "gpu")}); };
  alone.start();
  alone.arrive(alone.add(100, 1000));
  std::vector<RequestId> ids;
  for (const double time_s : come_s) {
    alone.clock.run_until(time_s);
    ids.push_back(alone.add(50, 2));
    alone.arrive(ids.back());
  }
  alone.clock.run();
  std::vector<double> done_s;
  for (const RequestId id : ids) done_s.push_back(alone.prompt_done_s(id));
  return done_s;
}

}  // namespace

TEST_CASE("SGLang receives: at the end of each iteration, unless told otherwise") {
  const std::vector<double> done = prompts_done_s(1, {0.55});
  CHECK(done[0] == Approx(0.65));
}

TEST_CASE("SGLang receives: every 10 iterations of decodes, counted from the last time") {
  // Looks at 0.1, when the first prompt is done, then after 10 decodes; and at 1.15, after a
  // prompt.
  const std::vector<double> done = prompts_done_s(10, {0.55, 1.2});
  CHECK(done[0] == Approx(1.15));
  CHECK(done[1] == Approx(2.2));
  // Nobody came the first time: the next is at 2.1.
  CHECK(prompts_done_s(10, {1.35})[0] == Approx(2.15));
}

TEST_CASE("SGLang receives: after each iteration of prompts, and all that came since together") {
  const std::vector<double> done = prompts_done_s(10, {0.55, 0.65, 1.15});
  CHECK(done[0] == Approx(1.2));
  CHECK(done[1] == Approx(1.2));
  CHECK(done[2] == Approx(1.25));
}

}  // namespace cleave
