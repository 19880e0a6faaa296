// Batch, KV memory and waiting room, each alone.

#include <set>

#include "sim/machine/batch.h"
#include "sim/machine/kv_memory.h"
#include "sim/machine/waiting_room.h"
#include "tests/catch.h"
#include "tests/support/fakes.h"

using namespace cleave;

namespace {

RequestId add(RequestTable& requests, std::uint32_t prompt_tokens, std::uint32_t output_tokens,
              Step step, double arrival_s = 0) {
  const RequestId id = requests.add();
  RequestState& state = requests[id];
  state.record.number = id;
  state.record.prompt_tokens = prompt_tokens;
  state.record.output_tokens = output_tokens;
  state.record.arrival_s = arrival_s;
  state.record.prompt_instance = state.record.token_instance = 0;
  state.go(Step::kPromptWaits);
  if (step == Step::kPromptWaits) return id;
  state.go(Step::kPrompt);
  if (step == Step::kPrompt) return id;
  state.generated = 1;
  state.go(Step::kTokenWaits);
  if (step == Step::kToken) state.go(Step::kToken);
  return id;
}

/// Memory of 1,000 tokens, told to whoever watches as bytes.
struct Memory : Observer {
  explicit Memory(const std::string& memory_policy = "paged", std::int64_t watermark = 0)
      : policy(cleave::policy<MemoryPolicies>(memory_policy)()),
        kind{policy.get(), 1000, watermark, 5000, 2},
        kv(7, kind, clock, *this) {}
  void memory(InstanceId instance, double, double bytes) override {
    CHECK(instance == 7);
    told_bytes = bytes;
  }

  FakeClock clock;
  std::unique_ptr<MemoryPolicy> policy;
  KvMemoryKind kind;
  double told_bytes = 0;
  KvMemory kv;
};

constexpr KvGrowth kTokens{KvGrowth::Kind::kTokens};

}  // namespace

TEST_CASE("kv memory: what is held, grown and released adds up, and is told") {
  Memory memory;
  memory.kv.hold(300);
  memory.kv.grow(20);
  CHECK(memory.kv.held() == 320);
  CHECK(memory.told_bytes == 5000 + 2 * 320);
  memory.kv.release(320);
  CHECK(memory.kv.held() == 0);
}

TEST_CASE("selection: room is what is left beside the next tokens and the watermark") {
  Memory memory("paged", 100);
  RequestTable requests;
  Batch batch(requests, kTokens);
  WaitingRoom waiting(requests, false);
  Run run;
  const Selection selection({requests, waiting, memory.kv, batch, run, memory.clock});
  CHECK(selection.fits(1000));
  memory.kv.hold(600);
  CHECK(selection.fits(300));
  CHECK_FALSE(selection.fits(301));
  for (int i = 0; i < 10; ++i) batch.add_sequence(add(requests, 10, 50, Step::kToken));
  batch.close();
  CHECK(selection.fits(290));
  CHECK_FALSE(selection.fits(291));
  run = {0, 20, {1, 0}, EventId{7}};
  memory.clock.run_until(2.5);
  CHECK(selection.fits(260));  // three iterations have begun
  CHECK_FALSE(selection.fits(261));
}

TEST_CASE("batch: iterations last until the last whole one that has room") {
  RequestTable requests;
  Batch batch(requests, kTokens);
  Batch reserved(requests, {KvGrowth::Kind::kNone});
  for (int i = 0; i < 10; ++i) batch.add_sequence(add(requests, 10, 5000, Step::kToken));
  for (int i = 0; i < 10; ++i) reserved.add_sequence(add(requests, 10, 5000, Step::kToken));
  CHECK(batch.iterations_within(395, 1000) == 39);
  CHECK(batch.iterations_within(395, 20) == 20);
  CHECK(batch.iterations_within(9, 1000) == 0);
  CHECK(reserved.iterations_within(0, 1000) == 1000);
}

TEST_CASE("batch: blocks are taken as the first token of each is computed") {
  RequestTable requests;
  Batch batch(requests, {KvGrowth::Kind::kBlocks, {16}});
  const RequestId prompt = add(requests, 100, 5, Step::kPrompt);
  batch.add_prompt(prompt, 30);
  batch.close();
  CHECK(batch.growth(1) == 32);
  CHECK(batch.growth(3) == 96);
  batch.advance(3, 1, 1, 3);
  batch.stay_as_prompt(prompt);
  CHECK(requests[prompt].held_tokens == 96);
  batch.set_chunk(prompt, 10);
  CHECK(batch.growth(1) == 16);  // 100 tokens are seven blocks
  batch.advance(1, 1, 1, 1);
  batch.end_prompt(prompt);
  requests[prompt].generated = 1;
  batch.go_on(prompt);
  // Tokens 100 to 111 are in the seventh block.
  CHECK(batch.growth(12) == 0);
  CHECK(batch.growth(13) == 16);
  CHECK(batch.growth(13 + 16) == 32);
  CHECK(batch.iterations_within(15, 100) == 12);
}

TEST_CASE("batch: sequences that stand still get nothing, and their next gap is longer") {
  RequestTable requests;
  Batch batch(requests, {KvGrowth::Kind::kBlocks, {16}});
  const RequestId sequence = add(requests, 100, 50, Step::kToken);
  batch.add_sequence(sequence);
  batch.close();
  batch.advance(4, 0.1, 0.1, 0.4);
  batch.let_sequences_stand_still(true);
  const RequestId prompt = add(requests, 64, 5, Step::kPrompt);
  batch.add_prompt(prompt, 64);
  batch.close();
  CHECK(batch.shape().decodes == 0);
  CHECK(batch.growth(1) == 64);
  batch.advance(1, 0.7, 0.7, 0.7);
  batch.let_sequences_stand_still(false);
  batch.remove(prompt, 1.1);
  CHECK(batch.sequences().generated(sequence) == 5);
  CHECK(batch.sequences().stood_still_s() == 0.7);
  batch.advance(2, 0.1, 0.1, 0.2);
  batch.remove(sequence, 1.3);
  CHECK(requests[sequence].generated == 7);
  CHECK(requests[sequence].last_token_s == 1.3);
  CHECK(requests[sequence].record.largest_gap_s == Approx(0.8));
  CHECK(requests[sequence].record.aside_s == Approx(0.7));
}

TEST_CASE("batch: who lingers is computed once more, and what he holds is free then") {
  RequestTable requests;
  Batch batch(requests, {KvGrowth::Kind::kBlocks, {16}});
  const RequestId sequence = add(requests, 100, 2, Step::kToken);
  batch.add_sequence(sequence);
  batch.close();
  batch.advance(1, 0.1, 0.1, 0.1);
  CHECK(batch.ended() == sequence);
  batch.remove(sequence, 0.1);
  batch.linger(requests[sequence]);
  CHECK_FALSE(batch.empty());
  CHECK(batch.until_change() == 1);
  CHECK(batch.tokens() == 1);
  CHECK(batch.shape().kv_tokens == 102);
  CHECK(batch.growth(1) == 0);
  CHECK(batch.sequences().running() == 0);
  CHECK(batch.end_lingering() == 112);
  CHECK(batch.empty());
}

TEST_CASE("kv memory: what a request takes depends on the policy and on where it decodes") {
  RequestTable requests;
  const RequestId id = add(requests, 100, 50, Step::kPromptWaits);
  RequestState& state = requests[id];
  state.record.token_instance = 7;
  Memory paged;
  CHECK(paged.kv.to_start(state) == 101);
  CHECK(paged.kv.to_receive(100, 49) == 101);
  Memory reserved("reserved");
  CHECK(reserved.kv.to_start(state) == 150);
  CHECK(reserved.kv.to_receive(100, 49) == 150);
  state.record.token_instance = 3;
  CHECK(reserved.kv.to_start(state) == 101);
}

TEST_CASE("batch: counts what an iteration computes, and ends with its shortest member") {
  RequestTable requests;
  Batch batch(requests, kTokens);
  const RequestId prompt = add(requests, 300, 5, Step::kPrompt);
  const RequestId longer = add(requests, 1000, 50, Step::kToken);
  const RequestId shorter = add(requests, 500, 11, Step::kToken);
  batch.add_prompt(prompt, 300);
  batch.add_sequence(longer);
  batch.add_sequence(shorter);
  batch.close();
  CHECK(batch.size() == 3);
  CHECK(batch.tokens() == 302);
  CHECK(batch.shape().prefill_pairs == 300.0 * 300);
  CHECK(batch.shape().kv_tokens == 1001 + 501);
  CHECK(batch.until_change() == 1);

  batch.advance(1, 0.5, 0.5, 0.5);
  CHECK(batch.ended() == prompt);
  batch.remove(prompt, 0.5);
  CHECK(batch.ended() == kNoRequest);
  CHECK(requests[prompt].prompt_left() == 0);
  CHECK(batch.shape().prefill_pairs == 0);
  CHECK(batch.until_change() == 9);

  batch.advance(9, 0.1, 0.1, 0.9);
  CHECK(batch.ended() == shorter);
  batch.remove(shorter, 1.4);
  CHECK(requests[shorter].generated == 11);
  CHECK(requests[shorter].held_tokens == 10);
  CHECK(requests[shorter].record.largest_gap_s == 0.5);
  CHECK(batch.shape().kv_tokens == 1001 + 10);
  batch.remove(longer, 1.4);
  CHECK(batch.empty());
  CHECK(batch.shape().kv_tokens == 0);
}

TEST_CASE("batch: chunks of a prompt run as one, with the attention of each by what was before") {
  RequestTable requests;
  Batch batch(requests, kTokens);
  const RequestId prompt = add(requests, 1000, 5, Step::kPrompt);
  batch.add_prompt(prompt, 300);
  batch.close();
  CHECK(batch.until_change() == 3);
  const BatchShape shape = batch.shape();
  for (int i = 0; i < 3; ++i) {
    const double before = 300.0 * i;
    CHECK(shape.prefill_pairs + i * shape.pairs_growth ==
          (before + 300) * (before + 300) - before * before);
  }
  batch.advance(3, 0.1, 0.1, 0.3);
  CHECK(batch.ended() == prompt);
  CHECK(batch.prompts().left(prompt) == 100);
  batch.set_chunk(prompt, 100);
  CHECK(batch.ended() == kNoRequest);
  CHECK(batch.prompts().completed_by(1) == 1);
  CHECK(batch.shape().prefill_pairs == 1000.0 * 1000 - 900.0 * 900);
}

TEST_CASE("batch: who is taken out has the tokens of whole iterations") {
  RequestTable requests;
  Batch batch(requests, kTokens);
  const RequestId first = add(requests, 100, 50, Step::kToken);
  const RequestId second = add(requests, 100, 50, Step::kToken);
  batch.add_sequence(first);
  batch.close();
  batch.advance(10, 0.1, 0.1, 1);
  batch.add_sequence(second);
  batch.close();
  CHECK(batch.last() == second);
  batch.advance(5, 0.1, 0.1, 0.5);
  batch.remove(first, 1.5);
  batch.remove(second, 1.5);
  CHECK(requests[first].generated == 16);
  CHECK(requests[second].generated == 6);
  CHECK(requests[first].last_token_s == 1.5);
}

TEST_CASE("waiting room: prompts by their coming here, sequences by arrival, progress first") {
  RequestTable requests;
  WaitingRoom room(requests, false);
  const RequestId late = add(requests, 10, 5, Step::kPromptWaits, 9);
  const RequestId early = add(requests, 10, 5, Step::kPromptWaits, 1);
  const RequestId third = add(requests, 10, 5, Step::kTokenWaits, 3);
  const RequestId second = add(requests, 10, 5, Step::kTokenWaits, 2);
  for (const RequestId id : {late, early, third, second}) room.enter(id);
  CHECK(room.size() == 4);
  CHECK(room.first_in_line() == late);
  CHECK(room.first_by_arrival() == second);

  requests[third].in_progress = true;
  room.withdraw(third);
  requests[third].in_progress = true;
  room.enter(third);
  CHECK(room.first_by_arrival() == third);
}

TEST_CASE("waiting room: who is passed over most often stands in front") {
  RequestTable requests;
  WaitingRoom room(requests, false);
  const RequestId first = add(requests, 10, 5, Step::kTokenWaits, 5);
  room.enter(first);
  room.close();
  room.close();
  const RequestId older = add(requests, 10, 5, Step::kTokenWaits, 1);
  room.enter(older);
  CHECK(request_of(room.first_task()) == first);
  CHECK(room.passed_over(task_of(first, Phase::kToken)) == 2);
  CHECK(room.passed_over(task_of(older, Phase::kToken)) == 0);
}

TEST_CASE("waiting room: a dropped cache goes before all prompts and counts until it is chosen") {
  RequestTable requests;
  WaitingRoom room(requests, false);
  const RequestId prompt = add(requests, 10, 5, Step::kPromptWaits);
  const RequestId running = add(requests, 10, 5, Step::kToken);
  room.enter(prompt);
  requests[running].go(Step::kRedoWaits);
  room.drop(running, Step::kToken, WaitingRoom::End::kFront);
  CHECK(room.first_in_line() == running);
  CHECK(room.dropped() == 1);
  room.choose(running);
  room.close();
  CHECK(room.dropped() == 0);
  CHECK(room.in_progress() == 1);
  CHECK(room.first_in_line() == prompt);
}

TEST_CASE("waiting room: a stop sends everybody away") {
  RequestTable requests;
  WaitingRoom room(requests, true);
  const RequestId prompt = add(requests, 10, 5, Step::kPromptWaits);
  const RequestId token = add(requests, 10, 5, Step::kTokenWaits);
  room.enter(prompt);
  room.queue_token_task(prompt);
  room.enter(token);
  room.stop();
  CHECK(room.size() == 0);
  CHECK_FALSE(room.has_tasks());
  CHECK(requests[prompt].step() == Step::kPromptStopped);
  CHECK(requests[token].step() == Step::kTokenStopped);
}

TEST_CASE("steps: every step leads on, comes from somewhere, and has a name of its own") {
  std::set<std::string> names;
  for (int i = 0; i < static_cast<int>(Step::kCount); ++i) {
    const auto step = static_cast<Step>(i);
    names.insert(step_name(step));
    int next = 0;
    int before = 0;
    for (int j = 0; j < static_cast<int>(Step::kCount); ++j) {
      next += may_follow(step, static_cast<Step>(j)) ? 1 : 0;
      before += may_follow(static_cast<Step>(j), step) ? 1 : 0;
    }
    INFO(step_name(step));
    CHECK(next > 0);
    CHECK(before > 0);
    CHECK_FALSE(may_follow(step, step));
  }
  CHECK(names.size() == static_cast<std::size_t>(Step::kCount));
}
