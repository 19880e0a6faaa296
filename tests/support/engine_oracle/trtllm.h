#pragma once

#include <algorithm>
#include <vector>

#include "tests/support/engine_oracle/engine.h"

namespace cleave::oracle {

class TrtllmEngine : public Engine {
 public:
  TrtllmEngine(const Trtllm& settings, const Memory& memory, const Cost& cost,
               const std::vector<Request>& requests)
      : Engine(memory, cost, requests, settings.overlap_scheduler), settings_(settings) {}

 protected:
  void plan() override {
    join_with_cache(settings_.max_batch_size);
    budget_ = Count{settings_.max_num_tokens} - staying() - sequences();
    plan_running();
    if (took_away_) return;
    while (first_prompt() < live_.size() && places() < settings_.max_batch_size) {
      if (!admit(first_prompt())) break;
    }
  }

  Count blocks_of_arrival(const Live& r) const override {
    return blocks(settings_.max_utilization ? r.p : r.p + r.o);
  }

 private:
  /// The next tokens of a prompt that is cut in chunks.
  Count chunk(Index r, Count done) const {
    const Count rest = live_[r].t() - done;
    const Count block = memory_.block_tokens;
    return rest <= budget_ ? rest : budget_ / block * block;
  }

  void plan_running() {
    bool more_prompts = true;
    const Indices order = running_;
    for (const Index r : order) {
      if (std::find(running_.begin(), running_.end(), r) == running_.end()) return;
      Count n = 1;
      if (live_[r].in_prompt) {
        n = more_prompts ? chunk(r, live_[r].c) : 0;
        more_prompts = n >= 1;
        if (!more_prompts) continue;
        budget_ -= n;
      }
      while (lacks(r, live_[r].c + n) > free_) {
        if (pause_last() == r) return;
      }
      compute(r, n);
    }
  }

  Index pause_last() {
    const Index last = running_.back();
    take_away(last);
    waiting_.insert(waiting_.begin(), last);
    return last;
  }

  bool admit(Index r) {
    const Live& live = live_[r];
    const Hit found = hit(r);
    Count n = live.t() - found.tokens;
    if (settings_.enable_chunked_context) {
      n = chunk(r, found.tokens);
      if (n < 1) return false;
    } else if (n > budget_ && !step_empty()) {
      return false;
    }
    const Count tokens = settings_.max_utilization ? live.t() : live.p + live.o;
    const Count needed = blocks(tokens) - static_cast<Count>(found.blocks.size()) + found.unused;
    if (needed > free_) return false;
    std::erase(waiting_, r);
    running_.push_back(r);
    begin_with(r, found);
    if (!settings_.max_utilization) hold(r, tokens);
    compute(r, n);
    budget_ -= n;
    return true;
  }

  const Trtllm settings_;
  Count budget_ = 0;
};

}  // namespace cleave::oracle
