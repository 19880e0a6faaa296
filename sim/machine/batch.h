#pragma once

#include <cstdint>
#include <vector>

#include "models/latency/latency.h"
#include "sim/machine/prompt_chunks.h"
#include "sim/machine/sequences.h"

namespace cleave {

/// The requests that run together on one instance: prompts, or chunks of them, and sequences that
/// decode. Says what an iteration computes, how memory grows with it, and when the first of them
/// comes to an end.
class Batch {
 public:
  Batch(RequestTable& requests, KvGrowth growth, const Speculation& speculation = {})
      : requests_(&requests),
        growth_(growth),
        ran_(requests.links),
        added_(requests.links),
        prompts_(requests, growth),
        sequences_(requests, growth, speculation) {}

  const PromptChunks& prompts() const { return prompts_; }
  const Sequences& sequences() const { return sequences_; }
  bool empty() const { return ran_.empty() && added_.empty() && sequences_.lingering() == 0; }
  /// Prompts, sequences, and those that linger.
  std::uint32_t members() const {
    return static_cast<std::uint32_t>(prompts_.all().size()) + sequences_.all() +
           sequences_.lingering();
  }
  /// An iteration computes, of sequences one each and what was drafted.
  std::uint32_t tokens() const { return prompts_.tokens() + sequences_.computed_tokens(); }
  BatchShape shape() const {
    return {prompts_.tokens(),       prompts_.pairs(),
            prompts_.pairs_growth(), sequences_.computed_tokens(),
            sequences_.kv_tokens(),  sequences_.tokens(),
            prompts_.running()};
  }

  /// Iterations until the chunks of a prompt or the tokens of a sequence end, or one that lingers
  /// leaves; something is computed.
  std::uint64_t until_change() const;
  /// KV tokens that so many iterations take beyond what is held now.
  std::int64_t growth(std::uint64_t iterations) const {
    return prompts_.growth(iterations) + sequences_.growth(iterations);
  }
  /// Whether iterations may take any.
  bool grows() const { return growth_.grows(sequences_.running() > 0); }
  /// The most iterations, `most` at most, that take no more than `room`.
  std::uint64_t iterations_within(std::int64_t room, std::uint64_t most) const;

  // Those that ran before the choice that is being made, in the order in which they joined.
  std::uint32_t size() const { return ran_.size(); }
  RequestId first() const { return ran_.first(); }
  RequestId last() const { return ran_.last(); }
  RequestId after(RequestId request) const { return ran_.after(request); }
  RequestId before(RequestId request) const { return ran_.before(request); }

  /// A prompt joins, to be computed by `chunk` tokens an iteration, at most what is left of it.
  void add_prompt(RequestId request, std::uint32_t chunk);
  void add_sequence(RequestId request);
  /// The choice is made: those added stand behind those that ran before.
  void close() { ran_.append(added_); }
  /// From now on an iteration computes so many tokens of a prompt in the batch; 0: it stands still.
  void set_chunk(RequestId request, std::uint32_t chunk) { prompts_.set_chunk(request, chunk); }
  /// A prompt whose chunks have ended stays, to be given its next chunk.
  void stay_as_prompt(RequestId request) { prompts_.set_chunk(request, 0); }
  /// One that is complete keeps its place until it goes on as a sequence.
  void end_prompt(RequestId request) { prompts_.remove(request); }
  void go_on(RequestId request) { sequences_.add(request); }
  void linger(const RequestState& state) { sequences_.linger(state); }
  std::uint32_t end_lingering() { return sequences_.end_lingering(); }
  void let_sequences_stand_still(bool still) { sequences_.stand_still(still); }

  /// Prompts that joined since the last advance().
  const std::vector<RequestId>& new_prompts() const { return new_prompts_; }
  void advance(std::uint64_t iterations, double first_s, double last_s, double run_s);
  /// Who has come to the end of its chunks or tokens, in the order of joining; kNoRequest: nobody.
  RequestId ended() const;
  /// Takes out a request with the tokens it got.
  void remove(RequestId request, double now_s);

 private:
  void add(RequestId request);

  RequestTable* requests_;
  KvGrowth growth_;
  RequestList ran_;
  RequestList added_;  ///< while a choice is made
  PromptChunks prompts_;
  Sequences sequences_;
  std::vector<RequestId> new_prompts_;
  std::uint64_t next_order_ = 0;
};

}  // namespace cleave
