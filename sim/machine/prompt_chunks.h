#pragma once

#include <cstdint>
#include <vector>

#include "sim/machine/end_key.h"
#include "sim/machine/kv_growth.h"
#include "sim/machine/request_table.h"

namespace cleave {

/// The prompts of a batch. Each iteration computes a chunk of so many tokens of each; with a chunk
/// of 0 a prompt stands still. The chunks of a prompt end when what is left is less than one.
class PromptChunks {
 public:
  PromptChunks(RequestTable& requests, KvGrowth growth)
      : requests_(&requests), growth_(growth), ends_(requests.finish_positions) {}

  /// In the order in which they joined, standing still or not.
  const std::vector<RequestId>& all() const { return all_; }
  /// That are computed in an iteration, and their tokens.
  std::uint32_t running() const { return static_cast<std::uint32_t>(ends_.size()); }
  std::uint32_t tokens() const { return tokens_; }
  double pairs() const { return pairs_; }
  double pairs_growth() const { return pairs_growth_; }

  /// Tokens of its prompt task that are left now.
  std::uint32_t left(RequestId request) const;
  /// Iterations until the first chunks end; RunCost::kForEver where all stand still.
  std::uint64_t until_end() const;
  /// Who is at the end of its chunks, the first that joined; kNoRequest: nobody.
  RequestId ended() const;
  /// Prompts that so many iterations, until_end() at most, complete.
  std::uint32_t completed_by(std::uint64_t iterations) const;
  /// KV tokens that so many iterations take.
  std::int64_t growth(std::uint64_t iterations) const;

  /// `chunk`: at most what is left.
  void add(RequestId request, std::uint32_t chunk);
  void set_chunk(RequestId request, std::uint32_t chunk);
  /// With the tokens it got.
  void remove(RequestId request);
  void advance(std::uint64_t iterations);

 private:
  void start(RequestId request, std::uint32_t chunk);
  void stop(RequestId request);

  RequestTable* requests_;
  KvGrowth growth_;
  std::vector<RequestId> all_;
  IndexedHeap<EndKey> ends_;
  std::uint64_t steps_ = 0;
  std::uint32_t tokens_ = 0;
  double pairs_ = 0;
  double pairs_growth_ = 0;
};

}  // namespace cleave
