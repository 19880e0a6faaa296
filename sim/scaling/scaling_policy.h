#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "sim/base/registry.h"
#include "sim/core/status.h"

namespace cleave {

/// A pool as a scaling policy sees it. It counts machines.
struct ScaledPool {
  PoolRole role = PoolRole::kMixed;
  std::uint32_t machines = 0;  ///< in service, on or off
  std::uint32_t least = 0;     ///< that stay on, as far as so many are in service
  std::uint32_t on = 0;        ///< up or loading
  std::uint32_t loading = 0;
  std::uint32_t lent = 0;  ///< of those on, how many work for the other side
  std::uint32_t instances_per_machine = 1;
};

/// What works for one role now, lent machines among it. It counts instances.
struct ScaledSide {
  std::uint32_t up = 0;
  std::uint32_t loading = 0;
  std::uint64_t queued = 0;         ///< requests that wait there for their prompt or a place
  std::int64_t pending_tokens = 0;  ///< prompts to compute, and one for each token phase
  double reserved_share = 0;        ///< of KV memory, by requests assigned there; can be above 1
};

/// Requests since the policy last looked.
struct SeenTraffic {
  double seconds = 0;
  double requests_rps = 0;
  double prompt_tokens = 0;      ///< of a request, mean; 0 where none arrived
  double output_tokens = 0;      ///< of a completed one, mean of all so far; 0 where none is
  std::optional<double> ttft_s;  ///< a percentile of those whose first token came
  std::optional<double> tpot_s;  ///< of those that were completed
};

struct ScalingView {
  double now_s = 0;
  std::vector<ScaledPool> pools;  ///< as in the context
  std::array<ScaledSide, 3> sides;
  SeenTraffic traffic;
  std::uint64_t stranded = 0;  ///< requests that nothing was up for

  const ScaledSide& side(PoolRole role) const { return sides[static_cast<std::size_t>(role)]; }
};

/// What a pool should be: machines that are on, and how many of these work for the other side.
struct PoolSize {
  std::uint32_t machines = 0;
  std::uint32_t lent = 0;
};

/// What one machine of a pool carries while its latencies hold.
class PoolCapacity {
 public:
  virtual ~PoolCapacity() = default;
  /// `pool` counts in the scenario. Requests a second, of so many tokens: their prompts in a prompt
  /// pool, their token phases in a token pool, both in a mixed one; a token phase within `tpot_s` a
  /// token (infinite: whatever fits into memory). 0 where it can have none.
  virtual double requests_rps(std::size_t pool, double prompt_tokens, double output_tokens,
                              double tpot_s) const = 0;
  /// Seconds from off to up.
  virtual double start_up_s(std::size_t pool) const = 0;
};

/// The pools of one LLM; a cluster with several has a policy for each.
struct ScalingContext {
  std::vector<ScaledPool> pools;
  std::size_t first_pool = 0;    ///< in the scenario; these follow it
  std::size_t pools_of_all = 0;  ///< in the scenario
  const PoolCapacity& capacity;
  /// By which the scenario's SLO limits the time per token of most requests; none: it does not.
  std::optional<double> tpot_limit_s;
};

/// How many machines are on. Scenario: `scaling.policy`. An implementation decides at times of its
/// own from what it sees then and remembers from before, never moves anything itself, and gives the
/// same for the same history.
class ScalingPolicy {
 public:
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  virtual ~ScalingPolicy() = default;
  /// When it first looks, and after that at `now_s` when it looks again; kNever: not any more.
  virtual double first_s() const = 0;
  virtual double next_s(double now_s) const = 0;
  /// `sizes` are those that it wanted last (at first: what is on), and become those that it wants.
  /// What is more than there is, or less than must be, is cut to that.
  virtual void decide(const ScalingView& seen, std::vector<PoolSize>& sizes) = 0;
  /// The percentile of latencies that it wants to see, as a share.
  virtual double percentile() const { return 0.9; }
};
using ScalingPolicies = Registry<ScalingPolicy, const ScalingContext&>;

/// So many machines of one role: the first pool's first.
inline void share_out(const std::vector<ScaledPool>& pools, PoolRole role, std::uint32_t machines,
                      std::vector<PoolSize>& sizes) {
  std::uint32_t least = 0;
  for (const ScaledPool& pool : pools) least += pool.role == role ? pool.least : 0;
  std::uint32_t left = machines > least ? machines - least : 0;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    if (pools[i].role != role) continue;
    const std::uint32_t room =
        pools[i].machines > pools[i].least ? pools[i].machines - pools[i].least : 0;
    const std::uint32_t more = left < room ? left : room;
    sizes[i].machines = pools[i].least + more;
    left -= more;
  }
}

}  // namespace cleave
