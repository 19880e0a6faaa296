#pragma once

#include <cstdint>

namespace cleave {

/// Speculative decoding: an iteration computes, beside the next token of a sequence, some that a
/// smaller model (or extra heads, as in MTP) drafted; those that are right are kept, up to the
/// first that is not.
struct Speculation {
  std::uint32_t tokens = 0;  ///< drafted for each sequence and iteration; 0: no speculation
  double acceptance = 0;     ///< chance that one is right where all before it were
  bool drawn = true;         ///< what is accepted is drawn for each request; else the mean
  double draft_s = 0;        ///< that drafting adds to an iteration
  std::uint64_t seed = 0;

  bool on() const { return tokens > 0; }
  /// Tokens that an iteration computes of a sequence.
  std::uint32_t computed() const { return 1 + tokens; }
  /// Tokens that a sequence gets in an iteration, mean.
  double mean() const;
  /// Iterations in which request `number` gets its next `count` tokens, after those it has.
  std::uint32_t iterations(std::uint64_t number, std::uint32_t generated,
                           std::uint32_t count) const;
};

}  // namespace cleave
