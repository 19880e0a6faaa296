#include "models/latency/least_time.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <queue>
#include <vector>

namespace cleave {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kExactly = 0.02;        // of the time: how near to the best batch is near enough
constexpr std::size_t kMostBoxes = 500;  // the bound is one all the same

enum Dimension : std::size_t { kPrompt, kDecodes, kKv, kDimensions };
/// Prompt tokens, decodes and the KV tokens that these read; whole numbers.
using Batch = std::array<double, kDimensions>;

/// All batches between two.
struct Box {
  Batch low;
  Batch high;
  double least_s = 0;  ///< a unit

  bool operator<(const Box& other) const { return least_s > other.least_s; }
};

class Search {
 public:
  Search(const LatencyModel& latency, const IterationLimits& most, const Work& price)
      : latency_(latency),
        most_(most),
        price_{price.prompt_tokens, price.decodes, price.kv_tokens} {}

  double least_s() {
    const double prompt = most_.prompt_tokens;
    const double decodes = most_.decodes;
    const auto kv = static_cast<double>(most_.kv_tokens);
    // Among batches of one kind alone does more work take longer.
    add({{1, 0, 0}, {prompt, 0, 0}});
    add({{0, 1, 1}, {0, decodes, kv}});
    add({{1, 1, 1}, {prompt, decodes, kv}});
    for (std::size_t i = 0; i < kMostBoxes && !boxes_.empty(); ++i) {
      const Box box = boxes_.top();
      if (box.least_s >= (1 - kExactly) * found_s_) break;
      const std::size_t along = widest(box);
      if (along == kDimensions) break;
      boxes_.pop();
      const double middle = std::floor(std::sqrt(box.low[along] * box.high[along]));
      Box lower = box;
      Box upper = box;
      lower.high[along] = middle;
      upper.low[along] = middle + 1;
      add(lower);
      add(upper);
    }
    if (boxes_.empty()) return kInfinity;
    return boxes_.top().least_s;
  }

 private:
  void add(Box box) {
    if (!tighten(box)) return;
    const double worth = worth_of(box.high);
    if (worth == 0) return;
    box.least_s = seconds(box.low) / worth;
    found_s_ = std::min(found_s_, seconds(box.high) / worth);
    boxes_.push(box);
  }

  /// To batches that can be; false where there are none.
  bool tighten(Box& box) const {
    auto& [low, high, least] = box;
    if (high[kDecodes] > 0) {
      low[kKv] = std::max(low[kKv], std::ceil(low[kDecodes] * most_.least_kv_tokens));
      high[kKv] = std::min(high[kKv], std::floor(high[kDecodes] * most_.most_kv_tokens));
      low[kDecodes] = std::max(low[kDecodes], std::ceil(low[kKv] / most_.most_kv_tokens));
      high[kDecodes] = std::min(high[kDecodes], std::floor(high[kKv] / most_.least_kv_tokens));
    }
    for (std::size_t i = 0; i < kDimensions; ++i) {
      if (low[i] > high[i]) return false;
    }
    return true;
  }

  /// Where the worth of its batches differs most; kDimensions where it does not.
  std::size_t widest(const Box& box) const {
    std::size_t widest = kDimensions;
    double most = 0;
    for (std::size_t i = 0; i < kDimensions; ++i) {
      const double width = price_[i] * (box.high[i] - box.low[i]);
      if (width <= most) continue;
      most = width;
      widest = i;
    }
    return widest;
  }

  double worth_of(const Batch& batch) const {
    double worth = 0;
    for (std::size_t i = 0; i < kDimensions; ++i) worth += price_[i] * batch[i];
    return worth;
  }

  /// Of its prompt tokens in whatever prompts take the least time.
  double seconds(const Batch& batch) const {
    const double tokens = batch[kPrompt];
    BatchShape shape;
    shape.prefill_tokens = static_cast<std::uint32_t>(tokens);
    shape.prefill_pairs = tokens;
    shape.decodes = static_cast<std::uint32_t>(batch[kDecodes]);
    shape.kv_tokens = static_cast<std::int64_t>(batch[kKv]);
    double least_s = latency_.cost(shape).first_s;
    if (tokens <= 1) return least_s;
    const double all = tokens + batch[kDecodes];
    for (const double pairs : {tokens * tokens, all * all - batch[kDecodes]}) {
      shape.prefill_pairs = pairs;
      least_s = std::min(least_s, latency_.cost(shape).first_s);
    }
    return least_s;
  }

  const LatencyModel& latency_;
  const IterationLimits& most_;
  Batch price_;
  std::priority_queue<Box> boxes_;  ///< the least time in front
  double found_s_ = kInfinity;      ///< that some batch takes, a unit
};

}  // namespace

double least_s(const LatencyModel& latency, const IterationLimits& most, const Work& price) {
  if (latency.shrinks()) return 0;
  return Search(latency, most, price).least_s();
}

}  // namespace cleave
