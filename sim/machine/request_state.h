#pragma once

#include <cstdint>

#include "sim/core/records.h"
#include "sim/core/step.h"

namespace cleave {

/// A phase of a request as something that waits to run: 2 * RequestId for its prompt task, one more
/// for its token task.
using TaskId = std::uint32_t;
inline constexpr TaskId kNoTask = 0xffffffffU;
enum class Phase : std::uint8_t { kPrompt, kToken };
constexpr TaskId task_of(RequestId request, Phase phase) {
  return 2 * request + (phase == Phase::kToken ? 1 : 0);
}
constexpr RequestId request_of(TaskId task) { return task / 2; }
constexpr Phase phase_of(TaskId task) { return task % 2 == 0 ? Phase::kPrompt : Phase::kToken; }

/// All that the cluster knows of a request between its arrival and its end.
struct alignas(64) RequestState {
  // What is looked at most often, together. In a batch:
  std::uint32_t generated = 0;       ///< output tokens so far
  std::uint32_t prefilled = 0;       ///< tokens of its prompt task computed so far
  std::uint32_t held_tokens = 0;     ///< KV tokens reserved on the instance of its current task
  std::uint32_t chunk = 0;           ///< tokens of its prompt task an iteration
  std::uint64_t joined_order = 0;    ///< among those in the batch
  std::uint64_t joined_step = 0;     ///< of its prompts or sequences, when it joined them
  std::uint32_t steps_to_end = 0;    ///< of its sequences, from when it joined them
  std::uint32_t joined_segment = 0;  ///< of its sequences, when it joined them
  /// Being passed over: while it waits, the instance's choices until then; else the count so far.
  std::uint64_t passed_over = 0;
  std::uint32_t shared_tokens = 0;  ///< in blocks of the prefix cache there that it uses
  bool token_task_queued = false;   ///< on the prompt's own instance, behind the prompt
  bool in_progress = false;         ///< began there and has tokens left to generate there
  bool in_line = false;             ///< waits for room on its token instance
  bool load_failed = false;         ///< what is not here is computed

 private:
  Step step_ = Step::kGone;

 public:
  FinishedRequest record;
  double last_token_s = 0;
  double stood_still_before_s = 0;  ///< of its sequences, before it got a token there

  // On its way between instances:
  InstanceId source = kNoInstance;  ///< that its KV cache leaves, or will
  std::uint32_t sent_tokens = 0;  ///< KV tokens reserved for it on its token instance by a transfer
  std::uint32_t sent_shared_tokens = 0;        ///< beside these, as shared_tokens
  std::uint32_t transfer = 0xffffffffU;        ///< TransferId while flowing, else kNoTransfer
  std::uint32_t transfer_event = 0xffffffffU;  ///< EventId while posted, or layers synchronised
  /// From 1, of those that wait to leave its prompt instance; 0: none.
  std::uint32_t line_place = 0;

  // Load as assigned by the scheduler, so that exactly the same is taken away again.
  std::uint32_t expected_output = 0;
  std::uint32_t assigned_tokens = 0;  ///< of its prompt, to be computed

  double rank = 0;  ///< among those who wait, where they stand in an order: the lower, the earlier
  std::uint32_t loaded_tokens = 0;  ///< of its prompt task, from lower tiers, since it came here

  Step step() const { return step_; }
  bool in(Steps steps) const { return steps.has(step_); }
  Phase phase() const { return in(steps::kComputesPrompt) ? Phase::kPrompt : Phase::kToken; }
  /// Throws BrokenInvariant where the table of steps does not allow it.
  void go(Step next) {
    if (!may_follow(step_, next)) refuse(next);
    step_ = next;
  }

  /// Tokens of its prompt task: the prompt, and what was generated before its KV cache was dropped.
  std::uint32_t prompt_work() const { return record.prompt_tokens + generated; }
  std::uint32_t prompt_left() const { return prompt_work() - prefilled; }
  /// Tokens whose KV cache is there: of its prompt task, or all but the last.
  std::uint32_t computed() const {
    return phase() == Phase::kPrompt ? prefilled : record.prompt_tokens + generated - 1;
  }
  /// Whether nothing of its prompt task is computed, or being computed, yet.
  bool untouched() const { return prefilled == 0 && chunk == 0; }
  /// KV tokens reserved for it, anywhere.
  std::uint32_t memory() const {
    return held_tokens + shared_tokens + sent_tokens + sent_shared_tokens;
  }
  std::uint32_t remaining() const { return record.output_tokens - generated; }
  /// Tokens of its KV cache when it has so many of its output; of its prompt where it has none.
  std::uint32_t cache_tokens(std::uint32_t output) const {
    return record.prompt_tokens + (output > 0 ? output - 1 : 0);
  }

 private:
  [[noreturn]] void refuse(Step next) const;
};

}  // namespace cleave
