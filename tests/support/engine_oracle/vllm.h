#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/support/engine_oracle/engine.h"

namespace cleave::oracle {

class VllmEngine : public Engine {
 public:
  VllmEngine(const Vllm& settings, const Memory& memory, const Cost& cost,
             const std::vector<Request>& requests)
      : Engine(memory, cost, requests, settings.async_scheduling && !settings.ignore_eos),
        settings_(settings) {}

 protected:
  void plan() override {
    join_with_cache(settings_.max_num_seqs);
    budget_ = Count{settings_.max_num_batched_tokens} - staying() - sequences();
    plan_running();
    if (took_away_) return;
    while (first_prompt() < live_.size() && budget_ > 0 && places() < settings_.max_num_seqs) {
      if (!admit(first_prompt())) break;
    }
  }

  void join_waiting(Index r) override {
    const auto before = [&](Index a, Index b) { return better(a, b); };
    waiting_.insert(settings_.priority
                        ? std::upper_bound(waiting_.begin(), waiting_.end(), r, before)
                        : waiting_.end(),
                    r);
  }

 private:
  /// By priority, then arrival; the list of requests is in the order of arrival.
  bool better(Index a, Index b) const {
    if (requests_[a].priority != requests_[b].priority)
      return requests_[a].priority < requests_[b].priority;
    return a < b;
  }

  Count tokens(Index r) const {
    Count n = std::min(live_[r].t() - live_[r].c, budget_);
    if (settings_.long_prefill_token_threshold != 0)
      n = std::min<Count>(n, settings_.long_prefill_token_threshold);
    return n;
  }

  void plan_running() {
    const Indices order = running_;
    for (const Index r : order) {
      if (std::find(running_.begin(), running_.end(), r) == running_.end()) continue;
      Count n = 1;
      if (live_[r].in_prompt) {
        n = tokens(r);
        if (n <= 0) continue;
        budget_ -= n;
      }
      while (lacks(r, live_[r].c + n) > free_) {
        if (preempt() != r) continue;
        n = 0;
        break;
      }
      if (n > 0) compute(r, n);
    }
  }

  Index preempt() {
    Index victim = running_.back();
    if (settings_.priority) {
      for (const Index r : running_) {
        if (better(victim, r)) victim = r;
      }
    }
    take_away(victim);
    if (settings_.priority) {
      join_waiting(victim);
    } else {
      waiting_.insert(waiting_.begin(), victim);
    }
    return victim;
  }

  /// Whether there may be room for one more behind r.
  bool admit(Index r) {
    const Live& live = live_[r];
    const Hit found = hit(r);
    const Count left = live.t() - found.tokens;
    Count n = left;
    if (settings_.long_prefill_token_threshold != 0)
      n = std::min<Count>(n, settings_.long_prefill_token_threshold);
    const bool alone = !settings_.enable_chunked_prefill && n > budget_;
    if (alone && !step_empty()) return false;
    n = alone ? left : std::min(n, budget_);
    const auto watermark =
        static_cast<Count>(std::floor(memory_.watermark * static_cast<double>(memory_.blocks)));
    const Count whole = settings_.scheduler_reserve_full_isl ? live.t() : found.tokens + n;
    const Count needed = blocks(whole) - static_cast<Count>(found.blocks.size()) + found.unused;
    if (needed > free_ - (step_empty() ? 0 : watermark)) return false;
    std::erase(waiting_, r);
    running_.push_back(r);
    begin_with(r, found);
    compute(r, n);
    budget_ -= n;
    return !alone;
  }

  const Vllm settings_;
  Count budget_ = 0;
};

}  // namespace cleave::oracle
