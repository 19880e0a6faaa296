#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace cleave {

/// KV memory in blocks of so many tokens. Layers with a sliding window keep the blocks of the
/// window, and the one that it moves into; those with linear attention a state of the same size
/// from the first token on.
struct KvBlocks {
  std::uint32_t tokens = 1;
  std::uint32_t window_tokens = 0;  ///< 0: no layer has one
  double window_share = 0;          ///< of the layers that have
  std::uint32_t state_tokens = 0;   ///< whole blocks that a state takes

  /// What so many computed tokens hold, in whole blocks; in tokens of all layers.
  std::uint32_t rounded(std::uint32_t computed) const {
    const std::uint32_t whole = up(computed);
    const std::uint32_t state = computed > 0 ? state_tokens : 0;
    if (window_tokens == 0) return whole + state;
    constexpr double kRounding = 1e-9;
    const double kept = std::min(whole, up(window_tokens) + tokens);
    return static_cast<std::uint32_t>(
               std::ceil(whole - window_share * (whole - kept) - kRounding)) +
           state;
  }

 private:
  std::uint32_t up(std::uint32_t computed) const {
    return (computed + tokens - 1) / tokens * tokens;
  }
};

/// How what runs on an instance takes KV memory beyond what it held when it started.
struct KvGrowth {
  enum class Kind : std::uint8_t {
    kNone,    ///< all was reserved
    kTokens,  ///< a token with each that a sequence generates; prompts hold theirs from the start
    kBlocks,  ///< whole blocks, as the tokens of prompts and sequences are computed
  };
  Kind kind = Kind::kTokens;
  KvBlocks blocks = {};

  std::uint32_t rounded(std::uint32_t computed) const { return blocks.rounded(computed); }
  /// Whether something is taken by iterations, with sequences in them or without.
  bool grows(bool sequences) const {
    return kind == Kind::kBlocks || (kind == Kind::kTokens && sequences);
  }
};

}  // namespace cleave
