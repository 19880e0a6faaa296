#pragma once

#include <cstdint>
#include <memory>

#include "traces/distribution.h"
#include "traces/request.h"

namespace cleave {

/// Where generated requests get their lengths from.
class Lengths {
 public:
  virtual ~Lengths() = default;
  /// Sets prompt_tokens and output_tokens. Takes the same number of random draws every time, and a
  /// request's prompt does not depend on whether outputs go with prompts.
  virtual void draw(Request& request) = 0;
};

/// Every request the same.
std::unique_ptr<Lengths> fixed_lengths(std::uint32_t prompt_tokens, std::uint32_t output_tokens);

/// From quantile tables, straight lines between their points. Paired: prompt and output through a
/// Gaussian copula with parameter 2 sin(pi rho / 6), which has Spearman's correlation rho (Kruskal,
/// JASA 53, 1958). Otherwise independent, as in the Splitwise paper.
std::unique_ptr<Lengths> quantile_lengths(const Distribution& distribution, bool paired,
                                          std::uint64_t seed);

/// Drawn from the requests of a trace, with replacement: whole rows if paired, otherwise prompts
/// and outputs from rows of their own. Keeps 8 bytes a request.
std::unique_ptr<Lengths> resampled_lengths(RequestSource& trace, bool paired, std::uint64_t seed);

}  // namespace cleave
