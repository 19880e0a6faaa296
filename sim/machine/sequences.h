#pragma once

#include <cstdint>
#include <vector>

#include "sim/machine/end_key.h"
#include "sim/machine/gap_record.h"
#include "sim/machine/kv_growth.h"
#include "sim/machine/request_table.h"
#include "sim/machine/speculation.h"

namespace cleave {

/// The sequences of a batch: each gets a token an iteration (with speculation, some: as evenly as
/// whole tokens can be, for as many iterations as it takes), unless all stand still. One that is
/// complete may linger for an iteration more, in which it is computed and gets nothing.
class Sequences {
 public:
  Sequences(RequestTable& requests, KvGrowth growth, const Speculation& speculation);

  /// Standing still or not; without those that linger.
  std::uint32_t all() const { return all_; }
  std::uint32_t lingering() const { return static_cast<std::uint32_t>(lingering_.size()); }
  /// That get tokens in an iteration, and how many of these all together.
  std::uint32_t running() const { return standing_still_ ? 0 : all_; }
  double tokens() const { return standing_still_ ? 0 : rate_; }
  /// Tokens that are computed of them, and the KV tokens that these read.
  std::uint32_t computed_tokens() const {
    return standing_still_ ? 0 : (all_ + lingering()) * speculation_.computed();
  }
  std::int64_t kv_tokens() const {
    return standing_still_ ? 0 : static_cast<std::int64_t>(kv_tokens_) + lingering_tokens_;
  }
  /// Iterations in which they were computed so far.
  std::uint64_t steps() const { return steps_; }
  /// Output tokens that one of them has now.
  std::uint32_t generated(RequestId request) const;
  /// Output tokens that all of them have left.
  double remaining() const { return remaining_; }

  /// Iterations until the first is complete, or what lingers leaves; RunCost::kForEver where all
  /// stand still.
  std::uint64_t until_end() const;
  /// Who is complete, the first that joined; kNoRequest: nobody.
  RequestId ended() const;
  /// KV tokens that so many iterations take.
  std::int64_t growth(std::uint64_t iterations) const;

  void add(RequestId request);
  /// With the tokens it got; the last of them came `now_s`, or before all stood still.
  void remove(RequestId request, double now_s);
  /// A request that is complete stays for one iteration more, with what it holds.
  void linger(const RequestState& state);
  /// What lingers leaves; gives the KV tokens that it held.
  std::uint32_t end_lingering();
  /// In the next iterations, or no longer.
  void stand_still(bool still) { standing_still_ = still; }

  /// That joined and got no token yet.
  const std::vector<RequestId>& joined() const { return joined_; }
  /// Seconds for which the others stand still, or did before the iterations that come.
  double stood_still_s() const { return stood_still_s_; }
  /// One of joined() has got its first token: it was not among those who stood still before.
  void count_from_here(RequestState& state) const {
    state.stood_still_before_s = all_stood_still_s_ + stood_still_s_;
  }
  /// So many iterations are done, of which the first took `first_s`, the last `last_s` and all
  /// `run_s`.
  void advance(std::uint64_t iterations, double first_s, double last_s, double run_s);

 private:
  struct Lingering {
    std::uint32_t kv_tokens;
    std::uint32_t held_tokens;
  };

  std::uint32_t& crossing(const RequestState& state);
  std::int64_t blocks(std::uint64_t iterations) const;
  std::int64_t summed_growth(std::uint64_t iterations) const;
  static std::uint32_t tokens_after(const RequestState& state, std::uint64_t steps);

  RequestTable* requests_;
  KvGrowth growth_;
  Speculation speculation_;
  IndexedHeap<EndKey> ends_;
  /// Without speculation and windows: how many need their next block in the iteration `steps` of
  /// it, modulo the tokens of a block.
  std::vector<std::uint32_t> crossings_;
  std::vector<RequestId> joined_;
  std::vector<Lingering> lingering_;
  std::int64_t lingering_tokens_ = 0;
  std::uint32_t all_ = 0;
  double rate_ = 0;  ///< tokens an iteration
  double kv_tokens_ = 0;
  double remaining_ = 0;
  std::uint64_t steps_ = 0;
  bool standing_still_ = false;
  double stood_still_s_ = 0;
  double all_stood_still_s_ = 0;  ///< before that
  GapRecord gaps_;
};

}  // namespace cleave
