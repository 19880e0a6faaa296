#pragma once

#include <cstdint>
#include <vector>

#include "models/latency/latency.h"
#include "sim/machine/gap_record.h"
#include "sim/machine/request_table.h"

namespace cleave {

/// The requests that run together on one instance: prompts, or chunks of them, and sequences that
/// decode. Counts what an iteration computes, and knows when the first of them comes to an end.
class Batch {
 public:
  /// `kv_growth`: KV tokens that a sequence takes with each token it generates.
  Batch(RequestTable& requests, std::uint32_t kv_growth)
      : requests_(&requests),
        kv_growth_(kv_growth),
        ran_(requests.links),
        added_(requests.links),
        ending_(requests.finish_positions) {}

  bool empty() const { return ran_.empty() && added_.empty(); }
  std::uint32_t prompts() const { return prompts_; }
  std::uint32_t decodes() const { return decodes_; }
  std::uint32_t prompt_tokens() const { return prompt_tokens_; }  ///< an iteration
  /// An iteration computes, sequences counting one each.
  std::uint32_t tokens() const { return prompt_tokens_ + decodes_; }
  std::int64_t kv_tokens() const { return kv_tokens_; }
  BatchShape shape() const {
    return {prompt_tokens_, prompt_pairs_, pairs_growth_, decodes_, kv_tokens_};
  }

  /// Iterations until the chunks of a prompt or the tokens of a sequence end; the batch is not
  /// empty.
  std::uint64_t until_change() const { return ending_.top().key.step - steps_; }

  // Those that ran before the choice that is being made, in the order in which they joined.
  std::uint32_t size() const { return ran_.size(); }
  RequestId first() const { return ran_.first(); }
  RequestId last() const { return ran_.last(); }
  RequestId after(RequestId request) const { return ran_.after(request); }
  RequestId before(RequestId request) const { return ran_.before(request); }

  /// A prompt joins, to be computed by `chunk` tokens an iteration, at most what is left of it.
  void add_prompt(RequestId request, std::uint32_t chunk);
  void add_decode(RequestId request);
  /// The choice is made: those added stand behind those that ran before.
  void close() { ran_.append(added_); }

  /// Prompts and sequences that joined since the last advance().
  const std::vector<RequestId>& new_prompts() const { return new_prompts_; }
  const std::vector<RequestId>& new_decodes() const { return new_decodes_; }
  /// So many iterations are done, the last of which took `last_s`.
  void advance(std::uint64_t iterations, double last_s);
  /// Takes out a request that has come to its end, in the order of joining; kNoRequest: none has.
  RequestId take_ended(double now_s);
  /// Takes out a request before its end, with the tokens it got.
  void remove(RequestId request, double now_s);

 private:
  struct EndKey {
    std::uint64_t step;
    std::uint64_t order;  ///< of joining
    bool operator<(const EndKey& other) const {
      return step != other.step ? step < other.step : order < other.order;
    }
  };

  void add(RequestId request, std::uint64_t iterations);
  void settle(RequestId request, double now_s);
  void leave(RequestId request, double now_s);

  RequestTable* requests_;
  std::uint32_t kv_growth_;
  RequestList ran_;
  RequestList added_;  ///< while a choice is made
  IndexedHeap<EndKey> ending_;
  std::vector<RequestId> new_prompts_;
  std::vector<RequestId> new_decodes_;
  std::uint32_t prompts_ = 0;
  std::uint32_t decodes_ = 0;
  std::uint32_t prompt_tokens_ = 0;
  double prompt_pairs_ = 0;
  double pairs_growth_ = 0;
  std::int64_t kv_tokens_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t next_order_ = 0;
  GapRecord gaps_;
};

}  // namespace cleave
