#pragma once

#include <cstdint>

#include "sim/machine/selection.h"

namespace cleave {

/// When SGLang looks for new requests (its SchedulerRecvSkipper): every so many iterations of
/// decodes, after each of prompts, and at once where nothing ran.
class RequestReceiver {
 public:
  explicit RequestReceiver(std::uint32_t interval) : interval_(interval) {}

  /// Before a choice.
  void look(const Batch& batch) {
    const std::uint64_t steps = batch.sequences().steps();
    const std::uint64_t decoded = (steps - looked_step_) % interval_;
    const bool at_once = prompts_ran_ || batch.empty();
    looked_step_ = at_once ? steps : steps - decoded;
    if (at_once || decoded == 0) choices_ = 0;
  }
  /// After one: what ran next.
  void chosen(const Batch& batch) {
    ++choices_;
    prompts_ran_ = batch.prompts().running() > 0;
  }
  /// Whether a request that waits was there when the server last looked; what was computed once is.
  bool has(const Selection& selection, RequestId request) const {
    return interval_ == 1 || selection.state(request).generated > 0 ||
           selection.waiting().passed_over(task_of(request, Phase::kPrompt)) >= choices_;
  }
  /// Iterations of decodes until it looks again.
  std::uint64_t until_look(const Batch& batch) const {
    return interval_ - (batch.sequences().steps() - looked_step_);
  }

 private:
  std::uint32_t interval_;
  std::uint64_t looked_step_ = 0;
  std::uint64_t choices_ = 0;  ///< since it looked
  bool prompts_ran_ = false;
};

}  // namespace cleave
