#pragma once

#include <cstdint>

namespace cleave {

/// How what runs on an instance takes KV memory beyond what it held when it started.
struct KvGrowth {
  enum class Kind : std::uint8_t {
    kNone,    ///< all was reserved
    kTokens,  ///< a token with each that a sequence generates; prompts hold theirs from the start
    kBlocks,  ///< whole blocks, as the tokens of prompts and sequences are computed
  };
  Kind kind = Kind::kTokens;
  std::uint32_t block_tokens = 1;  ///< kBlocks only

  /// So many computed tokens in whole blocks.
  std::uint32_t rounded(std::uint32_t tokens) const {
    return (tokens + block_tokens - 1) / block_tokens * block_tokens;
  }
};

}  // namespace cleave
