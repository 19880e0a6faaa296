#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/latency/least_time.h"
#include "sim/core/records.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// Whether a prompt can be there without being computed.
bool caches_prompts(const Scenario& scenario);

/// What a scenario's SLO asks a cluster to have done by when: of a limit all requests that are
/// measured for certain, but for as many as its percentile allows. Nothing where completed requests
/// decide which arrive, where some are sent away, of several LLMs, and of more than kMost requests.
class DueWork {
 public:
  static constexpr std::size_t kMost = 1'000'000;  ///< measured ones, to bound its memory

  /// `longer`: how many times as long everything takes as a run says. Reads the whole workload.
  DueWork(const Scenario& scenario, double longer);

  /// A cluster that does no more than this a second, in units of this price, breaks the SLO; 0:
  /// nothing is known.
  double least_per_s(const Work& price) const;

  // Of any request that arrives, measured or not.
  std::uint32_t shortest_prompt() const { return shortest_prompt_; }
  std::uint32_t longest() const { return longest_; }  ///< prompt and output tokens

 private:
  struct Measured {
    double arrival_s;
    std::uint32_t prompt_tokens;
    std::uint32_t output_tokens;
    std::uint32_t traffic_class;
    Work work;
  };
  struct Due {
    double by_s;
    std::uint32_t request;  ///< of those measured
  };
  enum class Phases : std::uint8_t { kPrompt, kBoth };
  /// What a limit, or two together, mean for each request.
  struct Promise {
    std::uint64_t spared;  ///< requests that need not keep it
    Phases phases;         ///< that are to end
    std::vector<Due> due;  ///< ascending
  };

  void read(const Scenario& scenario, const ExpectedRequests& expected);
  template <class Within>
  void add(std::uint64_t spared, Phases phases, Within within_s);
  double least_per_s(const Promise& promise, const Work& price) const;

  std::vector<Measured> measured_;
  std::uint32_t shortest_prompt_ = 0;
  std::uint32_t longest_ = 0;
  std::vector<Promise> promises_;
};

}  // namespace cleave
