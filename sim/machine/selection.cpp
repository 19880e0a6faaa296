#include "sim/machine/selection.h"

#include <algorithm>
#include <utility>

namespace cleave {

std::uint32_t Selection::kv_to_start(RequestId request) const {
  const RequestState& chosen = state(request);
  if (chosen.step() == Step::kAside) return 0;
  const std::uint32_t needed = parts_.memory.to_start(chosen);
  return needed - std::min(needed, hit(request).tokens);
}

bool Selection::fits(std::uint32_t kv_tokens) const {
  const Batch& batch = parts_.batch;
  std::int64_t begun = 0;
  std::int64_t next = batch.growth(1);
  if (parts_.run.under_way() && batch.grows()) {
    const std::uint64_t iterations = parts_.run.begun(parts_.clock.now());
    begun = batch.growth(iterations);
    next = batch.growth(iterations + 1) - begun;
  }
  const std::int64_t headroom = parts_.memory.held() > 0 ? parts_.memory.watermark() + next : 0;
  return begun + kv_tokens + headroom <= parts_.memory.free();
}

std::uint32_t Selection::room_of_hit(RequestId request) const {
  return run_under_way() ? 0 : hit(request).unused_tokens;
}

std::int64_t Selection::room() const {
  return parts_.memory.free() - parts_.batch.growth(parts_.run.begun(parts_.clock.now()) + 1);
}

void Selection::make_room() {
  if (!parts_.memory.caches()) return;
  const std::uint64_t begun = parts_.run.begun(parts_.clock.now());
  parts_.memory.make_room(parts_.batch.growth(run_under_way() ? begun : 1));
}

void Selection::take(RequestId request, std::uint32_t chunk) {
  RequestState& chosen = parts_.requests[request];
  const std::uint32_t kv_tokens = kv_to_start(request);
  const PrefixHit found = hit(request);
  if (chosen.phase() == Phase::kPrompt && chosen.untouched()) {
    parts_.memory.use(parts_.requests.contents[request], found);
    chosen.shared_tokens = found.tokens;
    chosen.prefilled = found.tokens;
    if (chosen.generated == 0) {
      chosen.record.cached_tokens = found.tokens;
      chosen.record.loaded_tokens = std::min(found.tokens, chosen.loaded_tokens);
    }
    chosen.loaded_tokens = 0;
    chosen.load_failed = false;
  }
  chosen.held_tokens += kv_tokens;
  if (kv_tokens > 0) parts_.memory.hold(kv_tokens);
  parts_.waiting.choose(request);
  if (chosen.phase() == Phase::kPrompt) {
    chosen.go(chosen.step() == Step::kRedoWaits ? Step::kRedo : Step::kPrompt);
    parts_.batch.add_prompt(request, chunk);
    make_room();
  } else {
    chosen.go(Step::kToken);
    parts_.batch.add_sequence(request);
  }
}

std::uint32_t Selection::load(RequestId request) {
  RequestState& waiting = parts_.requests[request];
  const std::uint32_t unused = hit(request).unused_tokens;
  const std::uint32_t loads =
      parts_.memory.load(request, waiting, parts_.requests.contents[request], room());
  if (loads == 0) return 0;
  waiting.go(waiting.step() == Step::kRedoWaits ? Step::kRedoLoads : Step::kPromptLoads);
  parts_.waiting.set_out(request);
  make_room();
  return loads + unused;
}

void Selection::put_aside(RequestId request) {
  RequestState& put = parts_.requests[request];
  parts_.batch.remove(request, parts_.clock.now());
  put.go(Step::kAside);
  ++put.record.preemptions;
  parts_.waiting.put_aside(request);
}

void Selection::drop(RequestId request, WaitingRoom::End end) {
  RequestState& dropped = parts_.requests[request];
  const Step before = dropped.step();
  if (before != Step::kAside) parts_.batch.remove(request, parts_.clock.now());
  ++dropped.record.preemptions;
  const Content& content = parts_.requests.contents[request];
  parts_.memory.keep(dropped, content, dropped.computed());
  parts_.memory.leave(content, std::exchange(dropped.shared_tokens, 0));
  parts_.memory.release(std::exchange(dropped.held_tokens, 0));
  dropped.prefilled = 0;
  dropped.go(dropped.in(steps::kInPromptPhase) ? Step::kPromptWaits : Step::kRedoWaits);
  parts_.waiting.drop(request, before, end);
}

void Selection::close() {
  parts_.batch.close();
  parts_.waiting.close();
}

}  // namespace cleave
