// One instance with a clock turned by hand: a prompt takes a millisecond a token, an iteration of
// decodes 100 ms.

#include "sim/machine/block_memory.h"
#include "tests/catch.h"
#include "tests/support/fakes.h"

using namespace cleave;

TEST_CASE("instance: what holds memory runs although an older request cannot start") {
  InstanceAlone alone(1000);
  Instance& instance = alone.start();
  const RequestId first = alone.add(600, 50);
  const RequestId large = alone.add(900, 10);
  const RequestId small = alone.add(100, 10);
  alone.arrive(first);
  alone.clock.run_until(0.65);  // the first decodes
  alone.arrive(large);
  alone.arrive(small);
  alone.clock.run();
  CHECK(alone.done_s(first) == Approx(0.6 + 49 * 0.1));
  CHECK(alone.done_s(large) > alone.done_s(first));
  CHECK(alone.done_s(small) > 0);
  CHECK(instance.empty());
}

TEST_CASE("instance: a prompt that finds no place waits for one iteration, not for the next end") {
  InstanceAlone alone(100'000);
  alone.set_batching({{"max_prompt_tokens", 500}});
  alone.start();
  const RequestId decoding = alone.add(400, 1000);
  alone.arrive(decoding);
  alone.clock.run_until(10.05);
  const RequestId longer = alone.add(800, 2);  // than an iteration may have
  alone.arrive(longer);
  alone.clock.run_until(20);
  // The iteration under way ends at 10.1 s.
  CHECK(alone.prompt_done_s(longer) == Approx(10.1 + 0.8).margin(1e-9));
}

TEST_CASE("instance: sequences that starve go before prompts that would always go first") {
  InstanceAlone alone(100'000);
  alone.set_batching({{"max_prompt_tokens", 500}, {"max_preemptions", 2}});
  alone.start();
  const RequestId decoding = alone.add(400, 5);
  alone.arrive(decoding);
  alone.clock.run_until(0.39);
  for (int i = 0; i < 20; ++i) alone.arrive(alone.add(800, 1));
  alone.clock.run();
  // Two prompts pass it over, then it takes turns with them.
  CHECK(alone.done_s(decoding) < 0.4 + 2 * 0.8 + 4 * (0.8 + 0.1));
}

TEST_CASE("instance: max_sequences limits the sequences in progress, prompts put aside or not") {
  InstanceAlone alone(100'000);
  alone.set_batching({{"max_sequences", 3}});
  alone.start();
  for (int i = 0; i < 10; ++i) alone.arrive(alone.add(2000, 20));
  std::uint32_t most = 0;
  for (int step = 1; step <= 400; ++step) {
    alone.clock.run_until(0.1 * step);
    std::uint32_t in_progress = 0;
    for (RequestId id = 0; id < 10; ++id) {
      if (alone.requests[id].in_progress) ++in_progress;
    }
    most = std::max(most, in_progress);
  }
  CHECK(most == 3);
  CHECK(alone.notes.tokens.size() == 10);
}

TEST_CASE("instance: as published, max_sequences is that of an iteration") {
  InstanceAlone alone(100'000, "reserved_in_phases");
  alone.set_batching({{"as_published", true}, {"max_sequences", 3}});
  alone.start();
  for (int i = 0; i < 10; ++i) alone.arrive(alone.add(2000, 20));
  alone.clock.run_until(2.0 * 10 + 0.05);
  CHECK(alone.notes.prompts.size() == 10);
  CHECK(alone.notes.tokens.empty());
}

TEST_CASE("instance: what starts beside others leaves the watermark and their next tokens free") {
  InstanceAlone alone(1000);
  alone.kind.memory.watermark_tokens = 100;
  Instance& instance = alone.start();
  alone.arrive(alone.add(500, 100));
  alone.clock.run_until(0.55);  // 501 tokens are held, one more is on its way
  CHECK(instance.admits(1000 - 502 - 100 - 1));
  CHECK_FALSE(instance.admits(1000 - 502 - 100));
}

TEST_CASE("instance: alone, a request may fill the memory to its last token") {
  InstanceAlone alone(1000);
  alone.kind.memory.watermark_tokens = 100;
  alone.start();
  const RequestId request = alone.add(900, 100);
  alone.arrive(request);
  alone.clock.run();
  CHECK(alone.done_s(request) == Approx(0.9 + 99 * 0.1));
}

TEST_CASE("instance: a dropped cache comes back before a transfer may take its room") {
  InstanceAlone alone(1000);
  Instance& instance = alone.start();
  const RequestId first = alone.add(480, 100);
  const RequestId second = alone.add(480, 100);
  alone.arrive(first);
  alone.arrive(second);
  // 38 tokens are left when both decode: after 19 more each, one drops its cache.
  alone.clock.run_until(0.96 + 19 * 0.1 + 0.05);
  CHECK(alone.requests[second].record.preemptions == 1);
  CHECK_FALSE(instance.admits(100));
  alone.clock.run();
  CHECK(alone.notes.tokens.size() == 2);
}

TEST_CASE("instance: a run cut by a stop counts whole iterations only, and nothing waits then") {
  InstanceAlone alone(100'000);
  Instance& instance = alone.start();
  alone.arrive(alone.add(300, 100));
  alone.clock.run_until(0.3 + 0.25);
  for (int i = 0; i < 3; ++i) alone.arrive(alone.add(2000, 5));
  alone.clock.run_until(0.3 + 0.28);
  instance.halt();
  REQUIRE(alone.notes.segments.size() == 2);
  CHECK(alone.notes.segments[1].iterations == 2);
  CHECK(alone.notes.segments[1].end_s == Approx(0.3 + 0.2));
  CHECK(alone.notes.queued == 0);
  CHECK(instance.empty());
}

TEST_CASE("instance: memory reserved at once covers prompt and output before anything runs") {
  InstanceAlone alone(1000, "reserved");
  Instance& instance = alone.start();
  alone.arrive(alone.add(300, 300));
  alone.clock.run_until(0.1);
  CHECK(instance.admits(400));
  CHECK_FALSE(instance.admits(401));
}

TEST_CASE("instance: a transfer has no room that the blocks of a run under way will take") {
  InstanceAlone alone(160);
  const BlockMemory blocks({16});
  alone.kind.memory.policy = &blocks;
  alone.kind.batching = [make = policy<BatchingPolicies>("vllm")] { return make({}); };
  Instance& instance = alone.start();
  const RequestId request = alone.add(17, 100);  // its next block comes after 15 iterations
  alone.arrive(request);
  alone.clock.run_until(0.017 + 30 * 0.1 + 0.05);
  // It holds 47 tokens by now, three blocks, and is about to take a fourth.
  CHECK_FALSE(instance.admits(112));
  CHECK(instance.admits(96));
}
