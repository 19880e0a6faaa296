#pragma once

#include <cstdint>

#include "models/latency/latency.h"

namespace cleave {

/// What instances compute and read for requests; or, as a price, what one of each is worth.
struct Work {
  double prompt_tokens = 0;
  double decodes = 0;    ///< output tokens but the first
  double kv_tokens = 0;  ///< read by these
};
constexpr double operator*(const Work& price, const Work& work) {
  return price.prompt_tokens * work.prompt_tokens + price.decodes * work.decodes +
         price.kv_tokens * work.kv_tokens;
}

/// What an iteration has at most, and what each of its decodes reads.
struct IterationLimits {
  std::uint32_t prompt_tokens = 0;
  std::uint32_t decodes = 0;
  std::int64_t kv_tokens = 0;
  double least_kv_tokens = 1;  ///< of a decode
  double most_kv_tokens = 1;   ///< the same
};

/// A time that no iteration within the limits beats, for each unit of its work at this price,
/// seconds; found by bounds on ever smaller ranges of batches, to a few percent of the best batch.
/// 0 where the model shrinks(), infinite where nothing is worth anything.
double least_s(const LatencyModel& latency, const IterationLimits& most, const Work& price);

}  // namespace cleave
