#include "sim/machine/selection.h"

namespace cleave {

std::uint32_t Selection::kv_to_start(RequestId request) const {
  const RequestState& chosen = state(request);
  return chosen.step() == Step::kAside ? 0 : parts_.memory.to_start(chosen);
}

bool Selection::fits(std::uint32_t kv_tokens) const {
  const std::uint32_t growing = parts_.memory.growth_per_token() > 0 ? parts_.batch.decodes() : 0;
  const std::uint64_t begun = growing > 0 ? parts_.run.begun(parts_.clock.now()) : 0;
  return parts_.memory.fits(kv_tokens, {growing, begun});
}

void Selection::take(RequestId request) {
  RequestState& chosen = parts_.requests[request];
  const std::uint32_t kv_tokens = kv_to_start(request);
  chosen.held_tokens += kv_tokens;
  if (kv_tokens > 0) parts_.memory.hold(kv_tokens);
  parts_.waiting.choose(request);
  if (chosen.phase() == Phase::kPrompt) {
    chosen.go(chosen.step() == Step::kRedoWaits ? Step::kRedo : Step::kPrompt);
    parts_.batch.add_prompt(request, chosen.prompt_left());
  } else {
    chosen.go(Step::kToken);
    parts_.batch.add_decode(request);
  }
}

void Selection::put_aside(RequestId request) {
  RequestState& put = parts_.requests[request];
  parts_.batch.remove(request, parts_.clock.now());
  put.go(Step::kAside);
  ++put.record.preemptions;
  parts_.waiting.put_aside(request);
}

void Selection::drop(RequestId request) {
  RequestState& dropped = parts_.requests[request];
  const Step before = dropped.step();
  if (before != Step::kAside) parts_.batch.remove(request, parts_.clock.now());
  ++dropped.record.preemptions;
  parts_.memory.release(dropped.held_tokens);
  dropped.held_tokens = 0;
  dropped.go(Step::kRedoWaits);
  parts_.waiting.drop(request, before);
}

void Selection::close() {
  parts_.batch.close();
  parts_.waiting.close();
}

}  // namespace cleave
