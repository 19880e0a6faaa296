#pragma once

// What the oracles of the engines share: memory, time and what happens at the end of a step.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/engine_oracle/prefix_cache.h"

namespace cleave::oracle {

/// Sorted by arrival. With its cache it arrives with its prompt computed and one token generated.
struct Request {
  double arrival_s;
  std::uint32_t prompt, output;
  bool with_cache = false;
  std::uint32_t priority = 0;
  Tokens tokens = {};  // prompt and output, where there is a prefix cache
};

/// The first token of one with its cache is there when it arrives.
struct Done {
  double first_token_s = 0, completion_s = 0;
  std::uint32_t preemptions = 0;
  bool rejected = false;
  std::uint32_t hit_tokens = 0;
};

/// `decodes` are without the sequences that stay a step longer.
struct Step {
  double start_s, end_s;
  std::uint64_t prompt_tokens;
  std::uint32_t decodes;
};

/// A step takes the base and the part of each number of its shape.
struct Cost {
  double base_s, per_prefill_token_s, per_pair_s, per_decode_s, per_kv_token_s;
};

struct Memory {
  std::uint64_t blocks;
  std::uint32_t block_tokens;
  double watermark;
  bool prefix_caching = false;
};

struct Vllm {
  std::uint32_t max_num_batched_tokens, max_num_seqs, long_prefill_token_threshold;
  bool enable_chunked_prefill, scheduler_reserve_full_isl, async_scheduling, ignore_eos;
  bool priority;
};

struct Sglang {
  std::uint32_t chunked_prefill_size, max_prefill_tokens, max_running_requests;
  double schedule_conservativeness;
  bool overlap_schedule;
};

struct Trtllm {
  std::uint32_t max_num_tokens, max_batch_size;
  bool max_utilization, enable_chunked_context, overlap_scheduler;
};

struct Result {
  std::vector<Done> requests;
  std::vector<Step> steps;
};

using Count = std::int64_t;
using Index = std::size_t;
using Indices = std::vector<Index>;

/// A request on its way; the page's p, o, g, c and n.
struct Live {
  Count p, o, g = 0, c = 0, n = 0;
  Count blocks = 0;  // its own and those of the cache
  std::vector<PrefixCache::Block*> of_cache = {};
  bool in_prompt = true;  // it counts as a prompt until its first token after c = 0
  Count t() const { return p + g; }
};

/// An engine plans each step.
class Engine {
 public:
  Engine(const Memory& memory, const Cost& cost, const std::vector<Request>& requests, bool longer)
      : memory_(memory),
        cost_(cost),
        requests_(requests),
        longer_(longer),
        free_(static_cast<Count>(memory.blocks)),
        cache_(memory.block_tokens) {
    for (const Request& request : requests) live_.push_back({request.prompt, request.output});
    result_.requests.resize(requests.size());
  }
  virtual ~Engine() = default;

  Result run() {
    double now_s = -std::numeric_limits<double>::infinity();
    Index next = 0;
    for (int plans = 0; plans < 10'000'000; ++plans) {
      step_.clear();
      took_away_ = false;
      plan();
      if (!step_.empty() || !staying_.empty()) {
        now_s = finish_step(now_s);
        while (next < requests_.size() && requests_[next].arrival_s <= now_s) arrive(next++);
      } else if (!took_away_) {  // otherwise blocks became free: plan again, at once
        idle();
        if (next == requests_.size()) return all_done(now_s);
        now_s = requests_[next].arrival_s;
        arrive(next++);
      }
    }
    throw std::runtime_error("oracle: no end; " + state(now_s));
  }

 protected:
  /// Runs requests of waiting_ and running_ in the next step.
  virtual void plan() = 0;
  virtual void join_waiting(Index r) { waiting_.push_back(r); }
  /// The blocks that a request of `tokens` known tokens arrives with.
  virtual Count blocks_of_arrival(const Live& r) const { return blocks(r.p); }
  /// Whether what stays a step longer is computed in this step.
  virtual bool staying_computed() const { return true; }
  virtual void step_finished() {}
  virtual void idle() {}
  /// The prompts that are neither in waiting nor in running.
  virtual Indices elsewhere() const { return {}; }

  Count blocks(Count tokens) const {
    return (tokens + memory_.block_tokens - 1) / memory_.block_tokens;
  }
  /// The blocks that r lacks for so many tokens.
  Count lacks(Index r, Count tokens) const {
    return std::max<Count>(0, blocks(tokens) - live_[r].blocks);
  }
  void hold(Index r, Count tokens) {
    const Count more = lacks(r, tokens);
    if (more > free_) throw std::runtime_error("oracle: blocks that are not free; " + state(0));
    live_[r].blocks += more;
    free_ -= more;
    make_room();
  }
  void make_room() {
    while (static_cast<Count>(cache_.unused()) > free_) cache_.evict_one();
  }
  void release(Index r) {
    Live& live = live_[r];
    free_ += live.blocks - static_cast<Count>(live.of_cache.size());
    for (auto block = live.of_cache.rbegin(); block != live.of_cache.rend(); ++block) {
      if (cache_.leave(*block)) ++free_;
    }
    live.of_cache.clear();
    live.blocks = 0;
  }
  /// Its whole blocks of what is computed can be found from now on.
  void keep(Index r) {
    if (!memory_.prefix_caching) return;
    Live& live = live_[r];
    while (static_cast<Count>(live.of_cache.size() + 1) * memory_.block_tokens <= live.c) {
      PrefixCache::Block* before = live.of_cache.empty() ? nullptr : live.of_cache.back();
      const auto [block, there] = cache_.put(before, requests_[r].tokens, live.of_cache.size());
      if (there && !cache_.use(block)) ++free_;  // somebody holds it: its own copy is free
      if (!there) ++block->users;
      live.of_cache.push_back(block);
    }
  }
  /// What a prompt that would begin now finds: tokens, and blocks of these that nobody uses.
  struct Hit {
    Count tokens = 0, unused = 0;
    std::vector<PrefixCache::Block*> blocks = {};
  };
  Hit hit(Index r) {
    Hit hit;
    if (!memory_.prefix_caching) return hit;
    hit.blocks = cache_.find(requests_[r].tokens,
                             static_cast<Index>((live_[r].t() - 1) / memory_.block_tokens));
    hit.tokens = static_cast<Count>(hit.blocks.size()) * memory_.block_tokens;
    for (const PrefixCache::Block* block : hit.blocks) hit.unused += block->users == 0 ? 1 : 0;
    return hit;
  }
  void begin_with(Index r, const Hit& hit) {
    for (PrefixCache::Block* block : hit.blocks) {
      if (cache_.use(block)) --free_;
    }
    Live& live = live_[r];
    live.of_cache = hit.blocks;
    live.blocks = static_cast<Count>(hit.blocks.size());
    live.c = hit.tokens;
    if (live.g == 0) {
      result_.requests[r].hit_tokens = static_cast<std::uint32_t>(hit.tokens);
    }
  }
  void compute(Index r, Count n) {
    live_[r].n = n;
    hold(r, live_[r].c + n);
    step_.push_back(r);
  }
  /// Takes r's blocks and its place in running and in this step; the engine puts it into waiting.
  void take_away(Index r) {
    keep(r);
    release(r);
    live_[r].c = 0;
    live_[r].n = 0;
    live_[r].in_prompt = true;
    ++result_.requests[r].preemptions;
    std::erase(running_, r);
    std::erase(step_, r);
    took_away_ = true;
  }
  /// What came with its cache holds its blocks: it is running as soon as there is a place.
  void join_with_cache(Count most) {
    const Indices order = waiting_;
    for (const Index r : order) {
      if (live_[r].in_prompt || places() >= most) continue;
      std::erase(waiting_, r);
      running_.push_back(r);
    }
  }
  /// The first of those that wait for their prompt; the number of requests where there is none.
  Index first_prompt() const {
    for (const Index r : waiting_) {
      if (live_[r].in_prompt) return r;
    }
    return live_.size();
  }
  Count sequences() const {
    return std::count_if(running_.begin(), running_.end(),
                         [&](Index r) { return !live_[r].in_prompt; });
  }
  Count staying() const { return static_cast<Count>(staying_.size()); }
  /// What takes a place among the sequences.
  Count places() const { return static_cast<Count>(running_.size()) + staying(); }
  bool step_empty() const { return step_.empty() && staying_.empty(); }

  const Memory memory_;
  const Cost cost_;
  const std::vector<Request> requests_;
  const bool longer_;  // what is complete stays a step longer
  std::vector<Live> live_;
  Indices waiting_, running_;
  Indices staying_;  // complete, and in this step once more
  Indices step_;
  Count free_;  // blocks that nobody holds
  PrefixCache cache_;
  bool took_away_ = false;  // in this plan

 private:
  void arrive(Index r) {
    Live& live = live_[r];
    Done& done = result_.requests[r];
    if (blocks(live.p + live.o) > static_cast<Count>(memory_.blocks)) {
      done.rejected = true;
      return;
    }
    if (requests_[r].with_cache) {
      live.c = live.p;
      live.g = 1;
      live.in_prompt = false;
      done.first_token_s = done.completion_s = requests_[r].arrival_s;
      if (live.g == live.o) return;
      live.blocks = blocks_of_arrival(live);
      free_ -= live.blocks;
      if (free_ < 0) throw std::runtime_error("oracle: a cache that does not fit; " + state(0));
    }
    join_waiting(r);
  }

  double duration_s() const {
    Count prompt_tokens = 0, pairs = 0, decodes = 0, kv_tokens = 0;
    for (const Index i : step_) {
      const Live& r = live_[i];
      if (r.in_prompt) {
        prompt_tokens += r.n;
        pairs += (r.c + r.n) * (r.c + r.n) - r.c * r.c;
      } else {
        decodes += 1;
        kv_tokens += r.p + r.g;
      }
    }
    for (const Index i : staying_) {
      if (!staying_computed()) break;
      decodes += 1;
      kv_tokens += live_[i].p + live_[i].o;
    }
    return cost_.base_s + cost_.per_prefill_token_s * static_cast<double>(prompt_tokens) +
           cost_.per_pair_s * static_cast<double>(pairs) +
           cost_.per_decode_s * static_cast<double>(decodes) +
           cost_.per_kv_token_s * static_cast<double>(kv_tokens);
  }

  double finish_step(double start_s) {
    const double end_s = start_s + duration_s();
    Step step{start_s, end_s, 0, 0};
    for (const Index i : step_) {
      Live& r = live_[i];
      if (!r.in_prompt) continue;
      r.c += r.n;
      keep(i);
      r.c -= r.n;
    }
    for (const Index i : staying_) release(i);
    staying_.clear();
    for (const Index i : step_) {
      Live& r = live_[i];
      if (r.in_prompt) {
        step.prompt_tokens += static_cast<std::uint64_t>(r.n);
      } else {
        ++step.decodes;
      }
      r.c += r.n;
      r.n = 0;
      if (r.c == r.t()) next_token(i, end_s);
    }
    result_.steps.push_back(step);
    step_finished();
    return end_s;
  }

  void next_token(Index i, double now_s) {
    Live& r = live_[i];
    r.in_prompt = false;
    ++r.g;
    if (r.g == 1) result_.requests[i].first_token_s = now_s;
    if (r.g < r.o) return;
    result_.requests[i].completion_s = now_s;
    keep(i);
    std::erase(running_, i);
    if (longer_) {
      staying_.push_back(i);
    } else {
      release(i);
    }
  }

  Result all_done(double now_s) const {
    for (Index i = 0; i < live_.size(); ++i) {
      if (!result_.requests[i].rejected && live_[i].g < live_[i].o)
        throw std::runtime_error("oracle: requests wait for nothing; " + state(now_s));
    }
    if (free_ != static_cast<Count>(memory_.blocks))
      throw std::runtime_error("oracle: blocks of nobody; " + state(now_s));
    return result_;
  }

  std::string state(double now_s) const {
    std::string text = "at " + std::to_string(now_s) + " s, " + std::to_string(free_) + " of " +
                       std::to_string(memory_.blocks) + " blocks free, after " +
                       std::to_string(result_.steps.size()) + " steps; [number: p o g c blocks]";
    const auto add = [&](const char* name, const Indices& list) {
      text += std::string("; ") + name + ":";
      for (const Index i : list) {
        const Live& r = live_[i];
        text += " [" + std::to_string(i) + ":";
        for (const Count number : {r.p, r.o, r.g, r.c, r.blocks})
          text += " " + std::to_string(number);
        text += "]";
      }
    };
    add("running", running_);
    add("waiting", waiting_);
    add("staying longer", staying_);
    add("in chunks", elsewhere());
    return text;
  }

  Result result_;
};

}  // namespace cleave::oracle
