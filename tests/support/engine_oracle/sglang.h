#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/support/engine_oracle/engine.h"

namespace cleave::oracle {

class SglangEngine : public Engine {
 public:
  SglangEngine(const Sglang& settings, const Memory& memory, const Cost& cost,
               const std::vector<Request>& requests)
      : Engine(memory, cost, requests, settings.overlap_schedule),
        settings_(settings),
        r0_(std::min(1.0, 0.7 * settings.schedule_conservativeness)),
        ratio_set_(r0_) {}

 protected:
  void plan() override {
    join_with_cache(settings_.max_running_requests);
    Count expected = 0;
    for (const Index r : running_) expected += to_come(r);
    left_ =
        static_cast<double>(free_ * memory_.block_tokens) - ratio() * static_cast<double>(expected);
    input_ = settings_.max_prefill_tokens;
    chunk_ = settings_.chunked_prefill_size;
    continue_chunked();
    if (chunked_.empty()) admit();
    prompts_ = !step_.empty();
    if (!prompts_) decode();
  }

  bool staying_computed() const override { return !prompts_; }

  void step_finished() override {
    for (const Index r : step_) {
      if (prompts_ && !live_[r].in_prompt && live_[r].g < live_[r].o) running_.push_back(r);
    }
  }

  void idle() override { set_ratio(r0_); }
  Indices elsewhere() const override { return chunked_; }

 private:
  Count to_come(Index r) const { return std::min<Count>(live_[r].o - live_[r].g, 4096); }

  double ratio() const {
    const double rmin = 0.14 * r0_;
    return std::max(rmin, ratio_set_ - static_cast<double>(decode_steps_) * (r0_ - rmin) / 600);
  }
  void set_ratio(double ratio) {
    ratio_set_ = ratio;
    decode_steps_ = 0;
  }

  /// So many tokens of what is left of a prompt, in whole pages where they are not all of it.
  Count whole_pages(Count n, Count rest) const {
    return n < rest ? n / memory_.block_tokens * memory_.block_tokens : n;
  }

  void continue_chunked() {
    if (chunked_.empty()) return;
    const Index r = chunked_.front();
    const Count rest = live_[r].t() - live_[r].c;
    const Count n =
        whole_pages(std::min({rest, chunk_, static_cast<Count>(std::floor(left_))}), rest);
    if (n < 1) return;
    compute(r, n);
    left_ -= static_cast<double>(n);
    input_ -= n;
    chunk_ -= n;
    if (n == rest) {
      left_ -= static_cast<double>(to_come(r));
      chunked_.clear();
    }
  }

  void admit() {
    const Indices order = waiting_;
    for (const Index r : order) {
      if (!live_[r].in_prompt) continue;  // it came with its cache and waits for a place
      const Hit found = hit(r);
      const Count t = live_[r].t() - found.tokens;
      if (places() + static_cast<Count>(step_.size()) >= settings_.max_running_requests) return;
      if (left_ <= 0 || input_ <= 0 || chunk_ <= 0) return;
      if (static_cast<double>(t + found.unused * memory_.block_tokens + to_come(r)) > left_) return;
      if (t > input_ && !step_.empty()) return;
      const Count n = whole_pages(std::min(t, chunk_), t);
      if (n < 1 || blocks(n) + found.unused > free_) return;
      std::erase(waiting_, r);
      begin_with(r, found);
      compute(r, n);
      if (n < t) {
        chunked_.push_back(r);
        return;
      }
      left_ -= static_cast<double>(t + found.unused * memory_.block_tokens + to_come(r));
      input_ -= t;
      chunk_ -= t;
    }
  }

  void decode() {
    if (!room_for(1)) {
      while (running_.size() > 1 && !room_for(20)) retract(first_to_go());
      if (running_.size() == 1 && !room_for(1)) retract(running_.front());
      Count generated = 0, output = 0;
      for (const Index r : running_) {
        generated += live_[r].g;
        output += live_[r].o;
      }
      const Count soon = generated + 20 * static_cast<Count>(running_.size());
      set_ratio(std::min(1.0, static_cast<double>(soon) / static_cast<double>(output + 1)));
    } else if (places() > 0) {
      ++decode_steps_;
    }
    const Indices order = running_;
    for (const Index r : order) compute(r, 1);
  }

  /// Whether so many more tokens of each sequence fit.
  bool room_for(Count tokens) const {
    Count more = 0;
    for (const Index r : running_) more += lacks(r, live_[r].c + tokens);
    return more <= free_;
  }

  Index first_to_go() const {
    Index first = running_.front();
    for (const Index r : running_) {
      const Live& a = live_[r];
      const Live& b = live_[first];
      if (a.g < b.g || (a.g == b.g && a.p >= b.p)) first = r;
    }
    return first;
  }

  void retract(Index r) {
    take_away(r);
    waiting_.push_back(r);
  }

  const Sglang settings_;
  const double r0_;
  double ratio_set_;
  Count decode_steps_ = 0;  // since it was set
  Indices chunked_;         // at most one
  bool prompts_ = false;    // this step is one of prompts
  double left_ = 0;
  Count input_ = 0, chunk_ = 0;
};

}  // namespace cleave::oracle
