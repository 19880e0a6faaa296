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
    budget_ = Count{settings_.max_num_batched_tokens} - staying();
    plan_running();
    if (took_away_) return;
    while (!waiting_.empty() && budget_ > 0 && places() < settings_.max_num_seqs) {
      if (!admit(waiting_.front())) break;
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
      if (budget_ <= 0) return;
      const Count n = tokens(r);
      while (lacks(r, live_[r].c + n) > free_) {
        if (preempt() == r) return;
      }
      compute(r, n);
      budget_ -= n;
    }
  }

  Index preempt() {
    Index victim = running_.back();
    if (settings_.priority) {
      for (const Index r : running_) {
        if (better(victim, r)) victim = r;
      }
    }
    budget_ += live_[victim].n;  // it may have a place in this step already, by priority
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
    const Count rest = live.t() - live.c;
    Count n = tokens(r);
    const bool alone = !settings_.enable_chunked_prefill && n < rest;
    if (alone) {
      if (!step_empty()) return false;
      n = rest;
    }
    const auto watermark =
        static_cast<Count>(std::floor(memory_.watermark * static_cast<double>(memory_.blocks)));
    const Count needed = lacks(r, settings_.scheduler_reserve_full_isl ? live.t() : live.c + n);
    if (needed > free_ - (step_empty() ? 0 : watermark)) return false;
    waiting_.erase(waiting_.begin());
    running_.push_back(r);
    compute(r, n);
    budget_ -= n;
    return !alone;
  }

  const Vllm settings_;
  Count budget_ = 0;
};

}  // namespace cleave::oracle
